import type { Selector } from '../domain/datapoint.ts'
import type { Series } from '../domain/point.ts'
import { RangeSet, type TimeRange } from '../domain/range.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Proof } from '../ledger/targets.ts'
import type { CountedRow } from './counting.ts'
import type { Reread } from './rereading.ts'

/** What became of one range that the ledger calls complete. */
export interface Finding {
  readonly gateway: string
  readonly selector: Selector
  readonly range: TimeRange
  readonly verdict: CountedRow['verdict']
  readonly proof: number | undefined
  readonly found: number | undefined
  equal: number
  missing: number
  different: number
  extra: number
  unwritable: number
  readonly examples: string[]
  /** Windows that the gateway did not give. */
  unread: number
}

export function findingOfCount(row: CountedRow): Finding {
  const { gateway, selector, range, verdict, proof, found } = row
  const isCounted = proof !== undefined && found !== undefined
  return {
    gateway,
    selector,
    range,
    verdict,
    proof,
    found,
    equal: isCounted ? Math.min(proof, found) : 0,
    missing: isCounted ? Math.max(0, proof - found) : 0,
    extra: isCounted ? Math.max(0, found - proof) : 0,
    different: 0,
    unwritable: 0,
    examples: [],
    unread: 0,
  }
}

const mostExamples = 5

/**
 * Entry by entry, in place of counting. What is in the database alone is no difference where the ledger's proof holds:
 * the gateway has pruned it since.
 */
export async function compareRow(row: CountedRow, range: TimeRange, windows: AsyncIterable<Reread>): Promise<Finding> {
  const finding = { ...findingOfCount(row), range, equal: 0, missing: 0, extra: 0 }
  for await (const window of windows) {
    if ('failure' in window) {
      finding.unread++
      if (finding.examples.length < mostExamples) finding.examples.push(`not read: ${window.failure.message}`)
      continue
    }
    const { equal, missing, different, extra, unwritable, examples } = window.comparison
    finding.equal += equal
    finding.missing += missing
    finding.different += different
    finding.unwritable += unwritable
    finding.extra += extra
    finding.examples.push(...examples.slice(0, mostExamples - finding.examples.length))
  }
  if (row.verdict === 'equal' && finding.extra > 0) {
    finding.equal += finding.extra
    finding.extra = 0
    finding.examples.splice(0, Number.POSITIVE_INFINITY, ...finding.examples.filter(it => !it.startsWith('only in')))
  }
  const isDifferent = finding.missing + finding.different + finding.extra > 0
  return { ...finding, verdict: isDifferent ? 'differs' : finding.unread > 0 ? 'unknown' : 'equal' }
}

/**
 * Takes back the proof of those windows of a row that differ, so that they are fetched again, and proves the others
 * anew. What only the database has stays there: it was told of, and counts from now on. Returns what is to be fetched.
 */
export async function uncoverDifferences(
  { gateway, selector, range, series }: CountedRow,
  windows: AsyncIterable<Reread>,
  ledger: Ledger,
  sink: string,
): Promise<RangeSet> {
  const proofs: Proof[] = []
  const known = new Set<Series>(series)
  let differing = RangeSet.empty
  for await (const window of windows) {
    if ('failure' in window) {
      proofs.push({ range: window.range, points: undefined })
      continue
    }
    const { equal, missing, different, extra, series: seen } = window.comparison
    if (missing + different > 0) differing = differing.add(window.range)
    else proofs.push({ range: window.range, points: equal + extra })
    for (const one of seen) known.add(one)
  }
  ledger.reprove({ sink, gateway }, selector, range, proofs, [...known])
  return differing
}

/** Parts of rows, drawn by chance: the same seed, the same parts. */
export function sampleRows(
  rows: readonly CountedRow[],
  count: number,
  windowMs: number,
  random: () => number,
): { row: CountedRow; range: TimeRange }[] {
  const total = rows.reduce((sum, { range }) => sum + range.until - range.after, 0)
  return Array.from({ length: total === 0 ? 0 : count }, () => {
    let at = Math.floor(random() * total)
    let row = rows[0]!
    for (const one of rows) {
      row = one
      if (at < one.range.until - one.range.after) break
      at -= one.range.until - one.range.after
    }
    const length = Math.min(windowMs, row.range.until - row.range.after)
    const after = Math.min(row.range.after + at, row.range.until - length)
    return { row, range: { after, until: after + length } }
  })
}
