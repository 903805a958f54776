import { clocksDisagreeMs } from '../domain/clock.ts'
import { durationText } from '../domain/duration.ts'
import type { Failure } from '../domain/failure.ts'
import { isoText } from '../domain/instant.ts'
import { rangeJson } from '../domain/range.ts'
import { problemJson, problemText } from '../inventory/datapoint-problems.ts'
import type { CoolingRanges } from '../planning/cooling.ts'
import type { ClockChange } from '../planning/dst.ts'
import { type Estimate, guessedPerDay, usualBytes } from '../planning/estimate.ts'
import { keepsUp } from '../planning/pace.ts'
import type { GatewayPlan } from '../reports/gateway-plan.ts'
import type { SinkReport } from '../sinks/sink.ts'
import { aboutText, bytesText, countOf, countText, minuteText, offsetText, rangeText, tookText } from './format.ts'
import { groupingText, paceJson, paceText, remedyText } from './pace-text.ts'
import { lengthText, missingText, riskJson, riskRows } from './risk-text.ts'
import { ruleChangeJson, ruleChangeRows } from './rule-change-text.ts'

/** The database, as far as it is there. */
export interface KnownSink {
  readonly label: string
  /** Undefined: it does not exist yet. */
  readonly id: string | undefined
  readonly report: SinkReport | undefined
  readonly failure: Failure | undefined
}

/** What a plan comes to over all gateways. */
interface Total extends Estimate {
  readonly missing: { readonly ms: number; readonly datapoints: number }
  readonly atRiskMs: number
  readonly prunedMs: number
}

const mostShown = 5

/** For a person: a block for each gateway, then the total of several. */
export function planLines(plans: readonly GatewayPlan[], sink: KnownSink, order: string): string[] {
  const lines = plans.flatMap(plan => [
    `${plan.name}  ${rangeText(plan.range)} UTC`,
    ...gatewayLines(plan).map(line => `  ${line}`),
    '',
  ])
  const total = totalOf(plans)
  lines.push(plans.length > 1 ? `All gateways, into ${sink.label}:` : `Into ${sink.label}`)
  if (plans.length > 1) {
    lines.push(row('  missing', missingLine(total.missing)))
    lines.push(...effortLines(total).map(line => `  ${line}`))
    lines.push(row('  time', 'of the slowest gateway: all work at the same time'))
  }
  for (const words of [...sinkWarnings(sink), ...advice(total, order)]) lines.push(row('  note', words))
  return lines
}

/** Everything of the lines, and more, as one document. */
export function planJson(plans: readonly GatewayPlan[], sink: KnownSink, order: string): string {
  const total = totalOf(plans)
  const { label, report } = sink
  return JSON.stringify({
    gateways: Object.fromEntries(plans.map(plan => [plan.name, gatewayJson(plan)])),
    total: {
      missing: total.missing,
      ...estimateJson(total),
      prunedMs: total.prunedMs,
      atRiskMs: total.atRiskMs,
    },
    sink: { label, exists: sink.id !== undefined, retentionMs: report?.retentionMs, warnings: sinkWarnings(sink) },
    advice: advice(total, order),
  })
}

function gatewayLines(plan: GatewayPlan): string[] {
  const { survey, missing, notKept, parked, risk } = plan
  const { failure, isReached, problems, unchecked } = survey
  const lines: string[] = []
  if (failure !== undefined) {
    lines.push(row('gateway', isReached ? `what it logs cannot be read: ${failure.message}` : failure.message))
    if (failure.advice !== undefined) lines.push(row('', failure.advice))
    lines.push(row('', isReached ? 'planned without it' : 'planned from the ledger and assumptions alone'))
  } else lines.push(row('gateway', `release ${plan.release ?? 'unknown'}, zone ${plan.zone}`))
  if (plan.clockOffsetMs !== undefined) lines.push(row('clock', offsetText(plan.clockOffsetMs)))
  if (Math.abs(plan.clockOffsetMs ?? 0) > clocksDisagreeMs)
    lines.push(row('', "more than a minute: ranges go by the gateway's clock; set one of them right"))
  lines.push(row('missing', missingLine(missing, ` (${countText(missing.configured)} are configured)`)))
  if (missing.ms > 0) {
    lines.push(...effortLines(plan.estimate))
    lines.push(...assumptions(plan).map((words, i) => row(i === 0 ? 'assumed' : '', words)))
  }
  lines.push(row('sync asks', groupingText(plan.pace)), row('', paceText(plan.pace)))
  if (!keepsUp(plan.pace)) lines.push(row('', remedyText(plan.pace)))
  if (notKept !== undefined)
    lines.push(row('not kept', `${lengthText(notKept.ms)} is older than the database keeps and not fetched`))
  if (parked !== undefined) lines.push(row('parked', parkedText(parked)))
  lines.push(...riskRows(risk).map(([key, words]) => row(key, words)))
  lines.push(...clockChangeLines(plan))
  for (const [i, words] of ruleChangeRows(plan.ruleChanges).entries()) lines.push(row(i === 0 ? 'rules' : '', words))
  const shown = problems.slice(0, mostShown)
  for (const [i, problem] of shown.entries())
    lines.push(row(i === 0 ? 'datapoints' : '', `! ${problem.datapoint}: ${problemText(problem)}`))
  if (problems.length > shown.length)
    lines.push(row('', `and ${countText(problems.length - shown.length)} more: see "check"`))
  if (unchecked > 0)
    lines.push(row('', `${countOf(unchecked, 'datapoint')} not checked, to spare the gateway: run "check" for all`))
  return lines
}

function effortLines({ requests, isCutShort, entries, received, bytes, tookMs }: Estimate): string[] {
  const more = isCutShort ? 'more than ' : ''
  const beside = received > entries * 1.05 ? `, ${aboutText(received)} received with those not asked for` : ''
  return [
    row('requests', `${more}${countText(requests)}`),
    row('entries', `${aboutText(entries)}${beside}, ${bytesText(bytes)}`),
    row('time', `${more === '' ? 'about ' : more}${tookText(tookMs)}`),
  ]
}

/** What the figures rest on, in words. */
function assumptions({ densities, irregular, speed, limits, survey, risk }: GatewayPlan): string[] {
  const words: string[] = []
  const { measured, rules, guessed } = densities
  if (measured > 0) words.push(`entries a day of ${countOf(measured, 'datapoint')}: as earlier requests have brought`)
  if (rules > 0) words.push(`entries a day of ${countOf(rules, 'datapoint')}: by the gateway's log intervals`)
  if (rules > 0 && irregular > 0)
    words.push(`${countOf(irregular, 'logged value')} without an interval: one entry in 5 minutes`)
  if (guessed > 0)
    words.push(`${countOf(guessed, 'datapoint')}: one entry in 5 minutes, since the gateway reports no intervals`)
  if (measured === 0) words.push(`${usualBytes} bytes an entry`)
  const rate = `${countText(speed.entriesPerSecond)} entries/s`
  const cost = `${tookText(speed.requestMs)} a request`
  const by = `by the last ${countOf(speed.measuredBy, 'request')}`
  if (speed.measuredBy === 0) words.push(`${cost} and ${rate}: no request was measured yet`)
  else if (speed.isRateMeasured) words.push(`${cost} and ${rate}: ${by}`)
  else words.push(`${cost}: ${by}; ${rate}: not measured, they were small`)
  const { pause, requestsPerMinute, sockets, quiet } = limits
  const together = sockets === 1 ? '' : `, ${sockets} at a time`
  words.push(`${durationText(pause)} pause, ${requestsPerMinute} requests a minute${together}; no wait for its CPU`)
  if (quiet !== undefined) words.push('quiet hours are not in the time')
  if (risk.pruned !== undefined) words.push('what the gateway has deleted brings no entries')
  if (survey.site === undefined) words.push('how long the gateway keeps its log is not known')
  return words
}

function clockChangeLines({ clockChanges, zone }: GatewayPlan): string[] {
  if (clockChanges.length === 0) return []
  const shown = clockChanges.slice(-mostShown).map(changeText)
  const more = clockChanges.length > shown.length ? `${countText(clockChanges.length - shown.length)} earlier, ` : ''
  return [row('DST', `${more}${shown.join(', ')} (${zone}): reports by local time are ambiguous there`)]
}

function changeText({ date, minutes }: ClockChange): string {
  return `${date} ${minutes < 0 ? `${-minutes} min twice` : `${minutes} min skipped`}`
}

function advice({ atRiskMs }: Total, order: string): string[] {
  if (atRiskMs === 0 || order === 'rescue') return []
  return ['data are at risk: "requests: { order: rescue }" fetches first what the gateway deletes first']
}

function sinkWarnings({ failure, report }: KnownSink): string[] {
  if (failure !== undefined) return [`how long the database keeps its points is not known: ${failure.message}`]
  return [...(report?.warnings ?? [])]
}

/** Gateways work at the same time: the slowest one decides. */
function totalOf(plans: readonly GatewayPlan[]): Total {
  const sum = (of: (plan: GatewayPlan) => number) => plans.reduce((total, plan) => total + of(plan), 0)
  return {
    missing: { ms: sum(it => it.missing.ms), datapoints: sum(it => it.missing.datapoints) },
    requests: sum(it => it.estimate.requests),
    isCutShort: plans.some(it => it.estimate.isCutShort),
    entries: sum(it => it.estimate.entries),
    received: sum(it => it.estimate.received),
    bytes: sum(it => it.estimate.bytes),
    tookMs: Math.max(0, ...plans.map(it => it.estimate.tookMs)),
    atRiskMs: sum(it => it.risk.soon?.ms ?? 0),
    prunedMs: sum(it => it.risk.pruned?.ms ?? 0),
  }
}

function gatewayJson(plan: GatewayPlan) {
  const { ruleChanges } = plan
  const { survey, notKept, parked, risk, release, zone, clockOffsetMs, missing, speed } = plan
  const { failure, isReached: reached, problems, unchecked } = survey
  return {
    reached,
    failure: failure && { code: failure.code, message: failure.message, advice: failure.advice },
    release,
    zone,
    clockOffsetMs,
    range: rangeJson(plan.range),
    missing,
    ...estimateJson(plan.estimate),
    ...(ruleChanges.length > 0 && { ruleChanges: ruleChanges.map(ruleChangeJson) }),
    assumptions: { words: assumptions(plan), speed, densities: plan.densities, guessedPerDay },
    notKept: notKept && { ms: notKept.ms, ...rangeJson(notKept.range) },
    parked: parked && {
      ranges: parked.count,
      ...rangeJson(parked.range),
      triedAgainAt: isoText(parked.triedAgainAt),
    },
    ...riskJson(risk),
    clockChanges: plan.clockChanges.map(({ date, at, minutes }) => ({ date, at: isoText(at), minutes })),
    pace: paceJson(plan.pace),
    problems: problems.map(problemJson),
    unchecked,
  }
}

function estimateJson({ requests, isCutShort, entries, received, bytes, tookMs }: Estimate) {
  const whole = { entries, received, bytes, tookMs }
  const rounded = Object.fromEntries(Object.entries(whole).map(([key, value]) => [key, Math.round(value)]))
  return { requests, requestsAreMore: isCutShort, ...rounded }
}

function parkedText({ count, range, triedAgainAt }: CoolingRanges): string {
  const [are, they] = count === 1 ? ['is', 'it is'] : ['are', 'they are']
  const when = `${count === 1 ? 'at' : 'from'} ${minuteText(triedAgainAt)}${count === 1 ? '' : ' on'}`
  return `${countOf(count, 'range')} (${rangeText(range)}) ${are} left out of this plan until ${they} tried again ${when}`
}

function missingLine({ ms, datapoints }: { ms: number; datapoints: number }, more = ''): string {
  return ms === 0 ? 'nothing' : `${missingText(ms, datapoints)}${more}`
}

function row(key: string, value: string): string {
  const indent = key.length - key.trimStart().length
  return `${key.padEnd(11 + indent)} ${value}`
}
