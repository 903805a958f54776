import { selectorLabel } from '../domain/datapoint.ts'
import { isoText } from '../domain/instant.ts'
import { rangeLength, type TimeRange } from '../domain/range.ts'
import type { Finding } from '../verification/finding.ts'
import { type Certificate, conclusionOf, isUncompared, totalOf } from './certificate.ts'
import { countOf, countText, minuteText, tookText } from './format.ts'
import type { GatewayScope } from './scope.ts'

const meanings = {
  counts: 'the number of points in the database against the proofs of the ledger',
  sample: 'windows drawn by chance, entry by entry, against the gateway itself',
  full: 'every entry, against the gateway itself',
}

/** So many names are printed; all of them are in the JSON. */
const mostNames = 5

/** For a person to read and to file. */
export function certificateLines(certificate: Certificate): string[] {
  const { at, program, sink, report, mode, seed, scope, findings, healing } = certificate
  const lines = [
    `Verified ${isoText(at)} by smartserver-etl ${program}`,
    `  compared   ${meanings[mode]}${seed === undefined ? '' : ` (seed ${seed})`}`,
    `  database   ${sink} (${[report.kind, report.version].filter(it => it !== undefined).join(' ')})`,
    ...(scope.period === undefined ? [] : [`  period     ${rangeText(scope.period)} UTC`]),
    ...scope.gateways.flatMap(it => gatewayLines(it, certificate)),
    '',
  ]
  if (healing !== undefined)
    lines.push(
      'Before healing:',
      ...figureLines(healing.before),
      '',
      ...differencesOf(healing.before),
      afterText(healing),
    )
  lines.push(
    ...figureLines(findings),
    `${''.padStart(13)}  (fresh time that is still to be looked at once more is not compared)`,
    '',
    ...differencesOf(findings),
  )
  return [...lines, conclusionText(certificate)]
}

function gatewayLines({ name, url, datapoints, unproven, gaps }: GatewayScope, { releases }: Certificate): string[] {
  const release = name in releases ? `release ${releases[name] ?? 'not told'}` : 'not asked'
  const about = url === undefined ? 'not in the configuration: its counts alone' : `${url} (${release})`
  const lines = [`  gateway    ${name} ${url === undefined ? `(${about})` : about}`]
  if (datapoints.length > 0)
    lines.push(`             ${countOf(datapoints.length, 'datapoint')}: ${namesText(datapoints)}`)
  if (unproven.length > 0)
    lines.push(`             nothing is recorded as complete of ${countText(unproven.length)}: ${namesText(unproven)}`)
  if (gaps.length > 0) {
    const lengthMs = gaps.flatMap(({ ranges }) => ranges).reduce((sum, range) => sum + rangeLength(range), 0)
    const names = namesText(gaps.map(({ datapoint }) => datapoint))
    lines.push(`             gaps in what is recorded, not compared: ${tookText(lengthMs)} of ${names}`)
  }
  return lines
}

function namesText(names: readonly string[]): string {
  const more = names.length > mostNames ? ` and ${countText(names.length - mostNames)} more` : ''
  return `${names.slice(0, mostNames).join(', ')}${more}`
}

function figureLines(findings: readonly Finding[]): string[] {
  const total = totalOf(findings)
  const count = (verdict: Finding['verdict']) => findings.filter(it => it.verdict === verdict).length
  const figures: [number, string][] = [
    [total.missing, 'missing in the database'],
    [total.different, 'different'],
    [total.lost, 'lost: proven once, and the gateway has them no more'],
    [total.extra, 'only in the database, and more than there is proof of'],
    [total.unconfirmed, 'no longer on the gateway: not compared one by one'],
    [total.unwritable, 'not writable: kept as dead letters'],
    [count('unknown'), 'ranges not compared, or not all of them: no count is known, or the gateway did not give all'],
    [count('expired'), 'ranges that begin before what the database keeps: not compared'],
  ]
  return [
    figure(total.equal, 'equal'),
    ...figures.slice(0, 6).flatMap(([number, words]) => (number > 0 ? [figure(number, words)] : [])),
    figure(
      findings.length,
      `${findings.length === 1 ? 'range' : 'ranges'}, ${countText(count('equal'))} of them equal`,
    ),
    ...figures.slice(6).flatMap(([number, words]) => (number > 0 ? [figure(number, words)] : [])),
  ]
}

function figure(number: number, words: string): string {
  return `${countText(number).padStart(13)}  ${words}`
}

function differencesOf(findings: readonly Finding[]): string[] {
  return findings.filter(({ verdict, unread }) => verdict === 'differs' || unread > 0).flatMap(differenceLines)
}

function differenceLines({ gateway, selector, range, proof, found, examples, ...counts }: Finding): string[] {
  const { missing, different, extra, lost, unread } = counts
  const parts = [
    missing > 0 ? `${countText(missing)} missing` : '',
    different > 0 ? `${countText(different)} different` : '',
    lost > 0 ? `${countText(lost)} lost` : '',
    extra > 0 ? `${countText(extra)} only in the database` : '',
    unread > 0 ? `${countOf(unread, 'window')} not read` : '',
  ].filter(it => it !== '')
  const what = parts.length > 0 ? parts.join(', ') : 'the count of its range differs'
  const held =
    proof === undefined || found === undefined ? '' : ` (proof ${countText(proof)}, found ${countText(found)})`
  return [
    `${gateway} ${selectorLabel(selector)}  ${rangeText(range)} UTC: ${what}${held}`,
    ...examples.map(example => `    ${example}`),
  ]
}

function afterText({ written, accepted }: NonNullable<Certificate['healing']>): string {
  const taken = accepted.ranges === 0 ? '' : `, and ${countOf(accepted.ranges, 'range')} accepted as they are`
  const lost = accepted.lost === 0 ? '' : ` (${countOf(accepted.lost, 'point')} lost)`
  return `After ${countOf(written, 'point')} ${written === 1 ? 'was' : 'were'} written again${taken}${lost}:`
}

function conclusionText(certificate: Certificate): string {
  const { findings, mode, healing, scope } = certificate
  const { missing, different, lost, extra, equal, unconfirmed } = totalOf(findings)
  const uncompared = countOf(findings.filter(isUncompared).length, 'range')
  switch (conclusionOf(certificate)) {
    case 'nothing':
      return 'Nothing to verify: nothing was ever recorded as complete.'
    case 'differs': {
      if (healing === undefined)
        return 'NOT EQUAL. The same command with --heal writes again what the gateway still has.'
      const why = [
        missing + different > 0 ? 'What is missing or different could not be put right.' : '',
        lost > 0 ? 'What is lost stays so; --heal --accept takes what is there as the proof.' : '',
        extra > 0 ? 'What is only in the database is left to you: nothing there is ever deleted.' : '',
      ].filter(it => it !== '')
      return ['NOT EQUAL.', ...why].join(' ')
    }
    case 'uncompared':
      if (scope.claims === 'fresh')
        return 'NOTHING COULD BE COMPARED: all that is recorded is fresh, and will be looked at once more first.'
      if (findings.length === 0) return 'NOTHING COULD BE COMPARED: nothing is recorded as complete in this time.'
      return unconfirmed > 0 && equal === 0
        ? 'NOTHING COULD BE COMPARED entry by entry: the gateway has nothing of it any more. The same without --full or --sample compares counts.'
        : 'NOTHING COULD BE COMPARED.'
    case 'partly':
      return `EQUAL as far as compared; ${uncompared} not compared.${mode === 'counts' ? ' --full compares them with the gateway, as far as it still has them.' : ''}`
    case 'equal':
      if (mode === 'counts') return 'EQUAL: the database holds as many points as there is proof of.'
      return unconfirmed === 0
        ? 'EQUAL, entry by entry.'
        : `EQUAL, entry by entry as far as the gateway still has them; ${countOf(unconfirmed, 'point')} by their count alone.`
  }
}

function rangeText({ after, until }: TimeRange): string {
  return `${minuteText(after)} … ${minuteText(until)}`
}
