import { selectorLabel } from '../domain/datapoint.ts'
import { isoText } from '../domain/instant.ts'
import { rangeLength } from '../domain/range.ts'
import { conclusionOf, isUncompared, totalOf } from '../verification/conclusion.ts'
import type { Finding } from '../verification/finding.ts'
import type { GatewayScope } from '../verification/scope.ts'
import { type Certificate, modeOf, sampleOf, seedOf } from './certificate.ts'
import { discardedTexts, notWritten } from './dead-letter-text.ts'
import { countOf, countRow, countRows, countText, rangeText, tookText } from './format.ts'
import { remarkLines } from './remark-text.ts'

const meanings = {
  counts: 'the number of points in the database against the proofs of the ledger',
  sample: 'days drawn at random over datapoints and time, entry by entry, against the gateway itself',
  full: 'every entry, against the gateway itself',
}

/** So many names are printed; all of them are in the JSON. */
const mostNames = 5

/** For a person to read and to file. */
export function certificateLines(certificate: Certificate): string[] {
  const { at, program, sink, report, compare, scope, findings, healing } = certificate
  const [mode, seed] = [modeOf(compare), seedOf(compare)]
  const lines = [
    `Verified ${isoText(at)} by smartserver-etl ${program}`,
    `  compared   ${meanings[mode]}${seed === undefined ? '' : ` (seed ${seed})`}`,
    `  database   ${sink} (${[report.kind, report.version].filter(it => it !== undefined).join(' ')})`,
    ...(scope.period === undefined ? [] : [`  period     ${rangeText(scope.period)} UTC`]),
    ...scope.gateways.flatMap(it => gatewayLines(it, certificate)),
    ...letterLines(certificate),
    '',
  ]
  if (healing !== undefined)
    lines.push(
      'Before healing:',
      ...figureLines(healing.before, certificate),
      '',
      ...differencesOf(healing.before, findings),
      afterText(healing),
    )
  lines.push(
    ...figureLines(findings, certificate),
    `${''.padStart(13)}  (provisional ranges, which are read once more later, are not compared)`,
    '',
    ...differencesOf(findings),
  )
  return [...lines, `${conclusionText(certificate)}${sampleText(certificate)}`]
}

/** What a conclusion is about. */
function sampleText(certificate: Certificate): string {
  const sample = sampleOf(certificate)
  if (sample === undefined || certificate.findings.length === 0) return ''
  const { datapoints, days, ofDatapoints, ofDays } = sample
  const drawn = `${countText(datapoints)} of ${countOf(ofDatapoints, 'datapoint')}, ${daysText(days)} of ${daysText(ofDays)} of their days`
  return ` This is said of the sample alone: ${drawn}.`
}

function daysText(days: number): string {
  return days < 10 ? String(Math.round(days * 10) / 10) : countText(days)
}

function gatewayLines(
  { name, url, datapoints, unproven, earlierRules, gaps, remarks }: GatewayScope,
  { releases }: Certificate,
): string[] {
  const release = name in releases ? `release ${releases[name] ?? 'unknown'}` : 'not asked'
  const about = url === undefined ? 'not in the configuration: its counts alone' : `${url} (${release})`
  const lines = [`  gateway    ${name} ${url === undefined ? `(${about})` : about}`]
  if (datapoints.length > 0)
    lines.push(`             ${countOf(datapoints.length, 'datapoint')}: ${namesText(datapoints)}`)
  if (unproven.length > 0)
    lines.push(`             not recorded as complete: ${countText(unproven.length)}: ${namesText(unproven)}`)
  for (const [what, parts] of [
    ['by earlier rules of the configuration', earlierRules],
    ['gaps that are not recorded as complete', gaps],
  ] as const)
    if (parts.length > 0) lines.push(`             ${what}, not compared: ${partsText(parts)}`)
  for (const words of remarkLines(remarks)) lines.push(`             ${words}`)
  return lines
}

/** `2 d of Meter 3/EnergyMeter/0/nvoPower`. */
function partsText(parts: GatewayScope['gaps']): string {
  const lengthMs = parts.flatMap(({ ranges }) => ranges).reduce((sum, range) => sum + rangeLength(range), 0)
  return `${tookText(lengthMs)} of ${namesText([...new Set(parts.map(({ datapoint }) => datapoint))])}`
}

function letterLines({ deadLetters }: Certificate): string[] {
  const { open } = deadLetters
  const words = discardedTexts(deadLetters)
  if (open > 0) words.unshift(`${countOf(open, 'entry', 'entries')} could not be written: see "dead-letters"`)
  return words.map((text, i) => `  ${(i === 0 ? 'not held' : '').padEnd(10)} ${text}`)
}

function namesText(names: readonly string[]): string {
  const more = names.length > mostNames ? ` and ${countText(names.length - mostNames)} more` : ''
  return `${names.slice(0, mostNames).join(', ')}${more}`
}

function figureLines(findings: readonly Finding[], certificate: Certificate): string[] {
  const of = sampleOf(certificate) === undefined ? '' : ', of the sample'
  const total = totalOf(findings)
  const count = (verdict: Finding['verdict']) => findings.filter(it => it.verdict === verdict).length
  const figures: [number, string][] = [
    [total.missing, 'missing in the database'],
    [total.different, 'different'],
    [total.lost, 'lost: proven once, and no longer on the gateway'],
    [total.extra, 'only in the database, and not proven'],
    [total.unconfirmed, 'no longer on the gateway: not compared one by one'],
    [total.rounded, 'of the equal are rounded: no float holds the number that the gateway has'],
    [total.unwritable, 'not writable: kept as dead letters'],
    [
      count('unknown'),
      'ranges not compared, or only in part: their count is not known, or the gateway did not answer in full',
    ],
    [count('inconsistent'), 'ranges of which the database counts fewer points than it gives one by one'],
    [count('expired'), 'ranges older than the database keeps, at least in part: not compared'],
  ]
  return [
    countRow(total.equal, 'equal'),
    ...countRows(figures.slice(0, 7)),
    countRow(
      findings.length,
      `${findings.length === 1 ? 'range' : 'ranges'}, ${countText(count('equal'))} of them equal`,
    ),
    ...countRows(figures.slice(7)),
  ].map(line => `${line}${of}`)
}

/** `healed`: the same ranges after the repair. */
function differencesOf(findings: readonly Finding[], healed: readonly Finding[] = []): string[] {
  const isTold = ({ verdict, unread }: Finding) => verdict === 'differs' || verdict === 'inconsistent' || unread > 0
  return findings.flatMap((it, i) => (isTold(it) ? differenceLines(it, healed[i]) : restLines(it)))
}

/** Of a part that is equal although the range that is proven is short of points. */
function restLines(finding: Finding): string[] {
  const { gateway, selector, range, verdict, proof = 0, found = proof, examples, rounded } = finding
  if (rounded > 0)
    return [
      `${gateway} ${selectorLabel(selector)}  ${rangeText(range)} UTC: ${countText(rounded)} rounded`,
      ...exampleLines(examples, rounded),
    ]
  if (verdict !== 'equal' || found >= proof) return []
  const short = countOf(proof - found, 'point')
  return [
    `${gateway} ${selectorLabel(selector)}  ${rangeText(range)} UTC: equal. ${short} of the days around it ${proof - found === 1 ? 'is' : 'are'} missing: verify them too.`,
  ]
}

function differenceLines(finding: Finding, healed: Finding | undefined): string[] {
  const { gateway, selector, range, verdict, proof, found, examples } = finding
  const { missing, different, extra, lost, unread } = finding
  const parts = [
    missing > 0 ? `${countText(missing)} missing` : '',
    different > 0 ? `${countText(different)} different` : '',
    lost > 0 ? `${countText(lost)} lost` : '',
    extra > 0 ? `${countText(extra)} only in the database` : '',
    unread > 0 ? `${countOf(unread, 'window')} not read` : '',
  ].filter(it => it !== '')
  if (verdict === 'inconsistent') parts.push('the database answers inconsistently')
  const what = parts.length > 0 ? parts.join(', ') : 'the count of its range differs'
  const held =
    proof === undefined || found === undefined ? '' : ` (proof ${countText(proof)}, found ${countText(found)})`
  return [
    `${gateway} ${selectorLabel(selector)}  ${rangeText(range)} UTC: ${what}${held}${healedText(finding, healed)}`,
    ...exampleLines(examples, missing + different + extra + unread),
  ]
}

/** Each difference, or how many more there are. */
function exampleLines(examples: Finding['examples'], all: number): string[] {
  const more = all - examples.length
  const lines = examples.map(({ text }) => `    ${text}`)
  return lines.length === 0 || more <= 0 ? lines : [...lines, `    … ${countText(more)} more`]
}

/** What of a range was written again, and what was not. */
function healedText(before: Finding, after: Finding | undefined): string {
  const wrong = (it: Finding) => it.missing + it.different
  if (after === undefined || wrong(before) === 0) return ''
  const left = wrong(after)
  return `: ${countText(Math.max(0, wrong(before) - left))} healed${left === 0 ? '' : `, ${countText(left)} not healed`}`
}

function afterText({ written, accepted }: NonNullable<Certificate['healing']>): string {
  const taken =
    accepted.ranges === 0
      ? ''
      : `, and ${countOf(accepted.ranges, 'range')} ${accepted.ranges === 1 ? 'was' : 'were'} accepted as found`
  const lost = accepted.lost === 0 ? '' : ` (${countOf(accepted.lost, 'point')} lost)`
  return `After ${countOf(written, 'point')} ${written === 1 ? 'was' : 'were'} written again${taken}${lost}:`
}

function conclusionText(certificate: Certificate): string {
  const { findings, compare, scope, deadLetters } = certificate
  const { equal, unconfirmed, rounded } = totalOf(findings)
  const uncompared = countOf(findings.filter(isUncompared).length, 'range')
  switch (conclusionOf(findings, scope.claims, compare, deadLetters.open)) {
    case 'nothing':
      return 'NOTHING TO VERIFY: nothing is recorded as complete. Check "ledger" in the configuration; --allow-empty accepts an empty one.'
    case 'differs':
      return differsText(certificate)
    case 'inconsistent':
      return 'THE DATABASE ANSWERS INCONSISTENTLY: it counts fewer points than it gives one by one. No proof is lowered by such a count. Look into its log, and verify again later.'
    case 'uncompared':
      if (scope.claims === 'fresh')
        return 'NOTHING COULD BE COMPARED: all that is recorded is provisional, and is compared after it was read once more.'
      if (findings.length === 0) return 'NOTHING COULD BE COMPARED: nothing is recorded as complete in this period.'
      return unconfirmed > 0 && equal === 0
        ? 'NOTHING COULD BE COMPARED entry by entry: the gateway no longer has any of it. Without --full or --sample the counts are compared.'
        : 'NOTHING COULD BE COMPARED.'
    case 'partly':
      return `EQUAL as far as compared; ${uncompared} not compared.${compare === 'counts' ? ' --full compares them with what the gateway still has.' : ''}`
    case 'unwritten':
      return `EQUAL, but NOT COMPLETE: ${notWritten(deadLetters.open, 'this time')}`
    case 'equal':
      if (compare === 'counts') return 'EQUAL: the database holds as many points as there is proof of.'
      return `${
        unconfirmed === 0
          ? `EQUAL, entry by entry${sampleOf(certificate) === undefined ? '' : ', of the sample'}.`
          : `EQUAL, entry by entry as far as the gateway still has them; ${countOf(unconfirmed, 'point')} only by their count.`
      }${roundedText(rounded)}`
  }
}

function roundedText(rounded: number): string {
  if (rounded === 0) return ''
  const are = `${countOf(rounded, 'of these numbers is', 'of these numbers are')}`
  return ` ${are} rounded, because no float holds what the gateway has: "type: text" keeps all digits.`
}

function differsText(certificate: Certificate): string {
  const { findings, healing, report } = certificate
  const { missing, different, lost, extra } = totalOf(findings)
  const isFixed = different > 0 && report.overwrites === false
  const heal = 'With --heal, the same command writes again what the gateway still has.'
  const why =
    healing === undefined
      ? [heal]
      : [
          missing > 0 || (different > 0 && !isFixed) ? 'What is missing or different could not be repaired.' : '',
          lost > 0
            ? 'What is lost cannot be fetched again; --heal --accept makes what is in the database the proof.'
            : '',
          extra > 0 ? 'What is only in the database stays there: this program deletes nothing.' : '',
        ].filter(it => it !== '')
  return [
    sampleOf(certificate) === undefined ? 'NOT EQUAL.' : 'NOT EQUAL, of the sample.',
    ...why,
    ...(isFixed ? [uncorrectable(report.kind)] : []),
  ].join(' ')
}

function uncorrectable(kind: string): string {
  return `What is different cannot be corrected on ${kind}, which may keep or bring back the first value: delete the table or series there and run "verify --full --heal", or write to another measurement.`
}
