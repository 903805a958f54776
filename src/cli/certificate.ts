import type { GatewayConfig } from '../config/schema.ts'
import { selectorLabel } from '../domain/datapoint.ts'
import { isoText } from '../domain/instant.ts'
import type { Finding } from '../pipeline/verification.ts'
import type { SinkReport } from '../sinks/sink.ts'
import { countOf, countText, minuteText } from './figures.ts'

/** What was compared with what, and how it came out: to be filed. */
export interface Certificate {
  readonly at: number
  readonly program: string
  readonly sink: string
  readonly report: SinkReport
  readonly mode: 'counts' | 'sample' | 'full'
  readonly seed: number | undefined
  readonly gateways: readonly GatewayConfig[]
  /** As the gateways told; empty where they were not asked. */
  readonly releases: Readonly<Record<string, string | undefined>>
  readonly findings: readonly Finding[]
  /** Ranges that were fetched again. */
  readonly healed: number
}

const meanings = {
  counts: 'the number of points in the database against the proofs of the ledger',
  sample: 'windows drawn by chance, entry by entry, against the gateway itself',
  full: 'every entry, against the gateway itself',
}

export function certificateLines(certificate: Certificate): string[] {
  const { at, program, sink, report, mode, seed, gateways, releases, findings, healed } = certificate
  const total = totalOf(findings)
  const lines = [
    `Verified ${isoText(at)} by smartserver-etl ${program}`,
    `  compared   ${meanings[mode]}${seed === undefined ? '' : ` (seed ${seed})`}`,
    `  database   ${sink} (${[report.kind, report.version].filter(it => it !== undefined).join(' ')})`,
    ...gateways.map(({ name, url, datapoints }) => {
      const release = name in releases ? `release ${releases[name] ?? 'not told'}` : 'not asked'
      return `  gateway    ${name} ${url} (${release}), ${countOf(datapoints.length, 'datapoint')} configured`
    }),
    '',
  ]
  const rows: [number, string][] = [
    [total.equal, 'equal'],
    [total.missing, 'missing in the database'],
    [total.different, 'different'],
    [total.extra, 'only in the database'],
    [total.unwritable, 'not writable: kept as dead letters'],
  ]
  for (const [count, words] of rows)
    if (count > 0 || words === 'equal') lines.push(`${countText(count).padStart(13)}  ${words}`)
  lines.push(...certificateRanges(findings), '')
  for (const finding of findings.filter(({ verdict, unread }) => verdict === 'differs' || unread > 0))
    lines.push(...differenceLines(finding))
  if (healed > 0) lines.push(`${countOf(healed, 'range')} fetched again.`)
  return [...lines, conclusion(certificate)]
}

function certificateRanges(findings: readonly Finding[]): string[] {
  const count = (verdict: Finding['verdict']) => findings.filter(it => it.verdict === verdict).length
  const lines = [`${countText(findings.length).padStart(13)}  ranges, ${count('equal')} of them equal`]
  if (count('unknown') > 0)
    lines.push(`${countText(count('unknown')).padStart(13)}  ranges without a count to compare: use --full`)
  if (count('expired') > 0)
    lines.push(`${countText(count('expired')).padStart(13)}  ranges older than the database keeps: not compared`)
  lines.push(`${''.padStart(13)}  (fresh time that is still to be looked at once more is not compared)`)
  return lines
}

function differenceLines({ gateway, selector, range, proof, found, examples, ...counts }: Finding): string[] {
  const { missing, different, extra, unread } = counts
  const parts = [
    missing > 0 ? `${countText(missing)} missing` : '',
    different > 0 ? `${countText(different)} different` : '',
    extra > 0 ? `${countText(extra)} only in the database` : '',
    unread > 0 ? `${countOf(unread, 'window')} not read` : '',
  ].filter(it => it !== '')
  const held =
    proof === undefined || found === undefined ? '' : ` (proof ${countText(proof)}, found ${countText(found)})`
  return [
    `${gateway} ${selectorLabel(selector)}  ${minuteText(range.after)} … ${minuteText(range.until)} UTC: ${parts.join(', ')}${held}`,
    ...examples.map(example => `    ${example}`),
  ]
}

function conclusion({ findings, mode }: Certificate): string {
  if (findings.length === 0) return 'Nothing to verify: the ledger claims nothing in this range.'
  if (findings.some(({ verdict }) => verdict === 'differs'))
    return 'NOT EQUAL. The same command with --heal fetches what differs again.'
  if (findings.some(({ unread }) => unread > 0)) return 'NOT ALL COMPARED: the gateway did not give all of it.'
  if (findings.every(({ verdict }) => verdict !== 'equal')) return 'NOTHING COULD BE COMPARED.'
  return mode === 'counts' ? 'EQUAL: the database holds as many points as there is proof of.' : 'EQUAL, entry by entry.'
}

export function certificateJson(certificate: Certificate): string {
  const { at, program, sink, report, mode, seed, gateways, releases, findings, healed } = certificate
  return JSON.stringify({
    at: isoText(at),
    program,
    mode,
    seed,
    sink: { label: sink, kind: report.kind, version: report.version },
    gateways: gateways.map(({ name, url, datapoints }) => ({
      name,
      url,
      release: releases[name],
      datapoints: datapoints.map(({ selector }) => selectorLabel(selector)),
    })),
    ...totalOf(findings),
    unknown: findings.filter(({ verdict }) => verdict === 'unknown').length,
    expired: findings.filter(({ verdict }) => verdict === 'expired').length,
    healed,
    ranges: findings.map(({ selector, range, ...finding }) => ({
      ...finding,
      datapoint: selectorLabel(selector),
      after: isoText(range.after),
      until: isoText(range.until),
    })),
  })
}

function totalOf(findings: readonly Finding[]) {
  const total = { equal: 0, missing: 0, different: 0, extra: 0, unwritable: 0 }
  for (const finding of findings)
    for (const key of Object.keys(total) as (keyof typeof total)[]) total[key] += finding[key]
  return total
}
