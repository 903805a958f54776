import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import { openDeadLetters } from '../app.ts'
import type { Config } from '../config/config.ts'
import { clocksDisagreeMs } from '../domain/clock.ts'
import { selectorLabel } from '../domain/datapoint.ts'
import { isoText } from '../domain/instant.ts'
import { rangeJson, type TimeRange } from '../domain/range.ts'
import { openLedgerReadOnly } from '../ledger/ledger.ts'
import type { RangeCheck } from '../ledger/memory.ts'
import type { ParkedRange } from '../ledger/parked.ts'
import { keepsUp } from '../planning/pace.ts'
import { type DatapointStatus, type GatewayStatus, readStatus, type Status } from '../reports/status.ts'
import type { CommandContext, CommandHost } from './context.ts'
import { coverageBar, coveredShare } from './coverage-bar.ts'
import { discardedTexts, lettersJson } from './dead-letter-text.ts'
import { countOf, countText, minuteText, offsetText, rangeText, shareText, tookText } from './format.ts'
import { findExistingSink } from './inspection.ts'
import { exitCode } from './outcome.ts'
import { groupingText, paceJson, paceText, remedyText } from './pace-text.ts'
import { remarkLines } from './remark-text.ts'
import { riskJson, riskRows } from './risk-text.ts'
import { ruleChangeJson, ruleChangeRows } from './rule-change-text.ts'

/** So many parked ranges of a gateway are listed one by one. */
const mostParkedShown = 5

interface StatusOptions {
  readonly json?: boolean
}

export function registerStatus(program: Command, host: CommandHost): void {
  program
    .command('status')
    .description('what is complete and what is missing, by gateway and datapoint')
    .option('--json', 'as one JSON document')
    .action((options: StatusOptions) => host.runWithConfig((config, context) => status(config, options, context)))
}

/** What is there and what is missing, from the ledger alone: asks neither gateway nor database. */
async function status(config: Config, options: StatusOptions, context: CommandContext): Promise<number> {
  const { clock, log, terminal } = context
  await using opened = new AsyncDisposableStack()
  if (!existsSync(config.ledger))
    terminal.say(`There is no ledger ${config.ledger}: no run has recorded anything there, or its disk is not mounted.`)
  const ledger = opened.adopt(openLedgerReadOnly(config.ledger, clock), it => it.close())
  const deadLetters = opened.adopt(openDeadLetters(config, clock), it => it.close())
  await deadLetters.learn(context.signal)
  const { label, id, sink } = await findExistingSink(config, { clock, log })
  opened.defer(async () => sink?.close())
  const now = clock.now()
  const known = readStatus(config, id, { ledger, deadLetters }, now)
  if (options.json === true) {
    terminal.out(statusJson(known))
    return exitCode.done
  }
  terminal.out(`Into ${label}; █ complete  ▓ complete, will be read again for late entries  ▒ partly  · missing`)
  terminal.out(known.owner === undefined ? 'Not running.' : `Running: ${known.owner}.`)
  for (const gateway of known.gateways) {
    const within = { after: earliest(gateway.datapoints, now - config.sync.since), until: now - config.sync.settle }
    terminal.out('')
    terminal.out(`${gateway.name}  ${rangeText(within)} UTC`)
    for (const line of gatewayLines(gateway, within, now, terminal.columns)) terminal.out(`  ${line}`)
  }
  return exitCode.done
}

function gatewayLines(gateway: GatewayStatus, within: TimeRange, now: number, columns: number): string[] {
  const { activity, rereads, risk, unwanted, datapoints } = gateway
  const lines = tableOf(datapoints, within, columns)
  if (activity !== undefined) {
    const until = activity.until === undefined ? '' : `, until ${minuteText(activity.until)}`
    lines.push(`now: ${activity.doing}${until} (since ${tookText(Math.max(0, now - activity.since))})`)
  }
  if (rereads !== undefined && rereads.points > 0) {
    const { points, late } = rereads
    const words = late === 0 ? 'none came late' : `${countText(late)} came late and would have been lost`
    lines.push(`re-reads: of ${countOf(points, 'point')} ${words}`)
  }
  lines.push(...paceLines(gateway), ...clockLines(gateway), ...verifiedLines(gateway))
  if (risk !== undefined)
    for (const [key, words] of riskRows(risk)) lines.push(`${key}, as of ${minuteText(risk.asOf)}: ${words}`)
  for (const words of remarkLines(gateway.remarks)) lines.push(`values: ${words}`)
  for (const words of ruleChangeRows(gateway.ruleChanges)) lines.push(`rules: ${words}`)
  if (gateway.deadLetters.open > 0)
    lines.push(
      `dead letters: ${countOf(gateway.deadLetters.open, 'entry', 'entries')} could not be written: see "dead-letters"`,
    )
  for (const words of discardedTexts(gateway.deadLetters)) lines.push(`dead letters: ${words}`)
  lines.push(...parkedLines(datapoints))
  if (unwanted.length > 0) {
    lines.push(`no longer configured, kept as it is: ${unwanted.map(({ label }) => label).join(', ')}`)
  }
  return lines
}

function paceLines({ pace }: GatewayStatus): string[] {
  const remedies = keepsUp(pace) ? [] : [`  ${remedyText(pace)}`]
  return [`sync asks: ${groupingText(pace)}; ${paceText(pace)}`, ...remedies]
}

function clockLines({ clockDifferenceMs = 0 }: GatewayStatus): string[] {
  if (Math.abs(clockDifferenceMs) <= clocksDisagreeMs) return []
  return [`clock: ${offsetText(clockDifferenceMs)}, when it was last asked: set one of them right`]
}

function verifiedLines({ verified }: GatewayStatus): string[] {
  if (verified === undefined) return []
  const { at, selector, range, proof, found, verdict } = verified
  const of = `${selectorLabel(selector)}, ${rangeText(range)}`
  const when = `verified ${minuteText(at)}`
  if (verdict === 'held') return [`${when}: the database holds all ${countOf(proof, 'point')} of ${of}`]
  const counted = `${countText(found)} of ${countOf(proof, 'point')} of ${of}`
  if (verdict === 'inconsistent')
    return [
      `${when}: THE DATABASE ANSWERS INCONSISTENTLY: it counts ${counted} and gives more one by one: run "verify"`,
    ]
  return [`${when}: THE DATABASE HOLDS ONLY ${counted}: run "verify"`]
}

/** The same range of several datapoints is one line. */
function parkedLines(datapoints: readonly DatapointStatus[]): string[] {
  const ranges = new Map<string, { parked: ParkedRange; labels: string[] }>()
  for (const { label, parked } of datapoints)
    for (const it of parked) {
      const key = `${it.range.after}/${it.range.until}`
      const known = ranges.get(key)
      if (known === undefined) ranges.set(key, { parked: it, labels: [label] })
      else known.labels.push(label)
    }
  if (ranges.size === 0) return []
  const lines = [...ranges.values()].slice(0, mostParkedShown).map(({ parked, labels }) => {
    const { range, reason, tries } = parked
    const whose = labels.length === 1 ? labels[0] : countOf(labels.length, 'datapoint')
    return `  ${rangeText(range)}  ${whose}: ${reason} (${countOf(tries, 'try', 'tries')})`
  })
  const more =
    ranges.size > mostParkedShown ? [`  and ${countText(ranges.size - mostParkedShown)} more: see --json`] : []
  return [
    `${countOf(ranges.size, 'parked range')}: sync retries at growing intervals, "retry" at once`,
    ...lines,
    ...more,
  ]
}

function statusJson({ owner, gateways }: Status): string {
  const datapointJson = ({ label, coverage, parked, proof }: DatapointStatus) => ({
    datapoint: label,
    ...(coverage.since !== undefined && { since: isoText(coverage.since) }),
    final: coverage.final.ranges.map(rangeJson),
    provisional: coverage.provisional.ranges.map(rangeJson),
    proof: { points: proof.points, ...proof.counts },
    parked: parked.map(({ range, code, reason, tries, at }) => ({
      ...rangeJson(range),
      code,
      reason,
      tries,
      lastTry: isoText(at),
    })),
  })
  const entries = gateways.map(
    ({
      name,
      datapoints,
      unwanted,
      rereads,
      activity,
      risk,
      clockDifferenceMs,
      pace,
      verified,
      deadLetters,
      ruleChanges,
      remarks,
    }) => [
      name,
      {
        datapoints: datapoints.map(datapointJson),
        unwanted: unwanted.map(datapointJson),
        ...lettersJson(deadLetters),
        ...(remarks.length > 0 && { remarks }),
        ...(ruleChanges.length > 0 && { ruleChanges: ruleChanges.map(ruleChangeJson) }),
        clockDifferenceMs,
        pace: paceJson(pace),
        verified: verified && verifiedJson(verified),
        ...(rereads === undefined ? {} : { rereads }),
        ...(activity === undefined ? {} : { activity: activityJson(activity) }),
        ...(risk === undefined ? {} : { risk: { asOf: isoText(risk.asOf), ...riskJson(risk) } }),
      },
    ],
  )
  return JSON.stringify({ ...(owner === undefined ? {} : { owner }), gateways: Object.fromEntries(entries) })
}

function verifiedJson({ at, selector, range, proof, found, verdict }: RangeCheck) {
  return { at: isoText(at), verdict, datapoint: selectorLabel(selector), ...rangeJson(range), proof, found }
}

function activityJson({ doing, since, until }: NonNullable<GatewayStatus['activity']>) {
  return { doing, since: isoText(since), ...(until === undefined ? {} : { until: isoText(until) }) }
}

function tableOf(datapoints: readonly DatapointStatus[], within: TimeRange, columns: number): string[] {
  const widest = Math.max(...datapoints.map(({ label }) => label.length))
  const width = Math.max(12, Math.min(48, columns - widest - 34))
  return datapoints.map(({ label, coverage }) => {
    const { since = within.after } = coverage
    const wanted = { after: Math.min(Math.max(within.after, since), within.until - 1), until: within.until }
    const share = shareText(coveredShare(coverage, wanted)).padStart(5)
    const newest = coverage.final.add(coverage.provisional).ranges.at(-1)
    const until = newest === undefined ? 'nothing yet' : `until ${minuteText(newest.until)}`
    const from = coverage.since === undefined ? '' : `, by the rule of today from ${minuteText(coverage.since)}`
    return `${label.padEnd(widest)}  ${coverageBar(coverage, within, width)} ${share}  ${until}${from}`
  })
}

function earliest(datapoints: readonly DatapointStatus[], otherwise: number): number {
  const firsts = datapoints.flatMap(({ coverage }) => coverage.final.add(coverage.provisional).ranges.slice(0, 1))
  return Math.min(otherwise, ...firsts.map(({ after }) => after))
}
