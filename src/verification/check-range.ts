import type { Series } from '../domain/point.ts'
import type { TimeRange } from '../domain/range.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Sink } from '../sinks/sink.ts'
import { type CountedRow, countSeries } from './counts.ts'
import { type Finding, findingOfCount, judgePart, provenCount } from './finding.ts'
import type { Reread } from './reread.ts'
import { addWindow, emptySums, type ReadSums, type Sums } from './tallies.ts'

export interface ExaminationParts {
  readonly sink: Pick<Sink, 'id' | 'count'>
  readonly ledger: Pick<Ledger, 'restate'>
  /** Reads from the gateway; what differs is put right meanwhile where that is wanted. */
  readonly reread: (row: CountedRow, range: TimeRange) => AsyncIterable<Reread>
  /** True if the gateway still has all of a row, as far as it tells. */
  readonly reaches: (row: CountedRow) => boolean
  /** True: what nobody can bring back is proven no more, and what was never counted is taken as it is. */
  readonly accept: boolean
}

/** A row, or a part of it, before and after what differs was put right. */
export interface Examined {
  /** As it stands now. */
  readonly row: CountedRow
  readonly before: Finding
  readonly after: Finding
  /** Points that were put right. */
  readonly written: number
  /** What is now proven without anybody's confirmation, because the user said so. */
  readonly accepted: { readonly ranges: number; readonly lost: number }
}

export interface Examination {
  readonly row: CountedRow
  readonly part: TimeRange
  /** What to read, in this order; together the part. */
  readonly pieces: readonly TimeRange[]
  /** `count`: to put its count right, and no further. `entries`: all of it is to be compared. */
  readonly by: 'count' | 'entries'
}

/** Reads a part of a row from the gateway, compares, and proves its count anew where that can be done honestly. */
export async function examine(
  { row, part, pieces, by }: Examination,
  parts: ExaminationParts,
  signal: AbortSignal,
): Promise<Examined> {
  const sums = emptySums()
  for (const piece of pieces) {
    if (by === 'count' && isExplained(row, sums)) break
    for await (const window of parts.reread(row, piece)) {
      addWindow(sums, window)
      if (by === 'count' && isExplained(row, sums)) break
    }
  }
  const whole = isSame(part, row.range) && !(by === 'count' && isExplained(row, sums))
  const series = joinSeries(row.series, sums.series)
  const { accepted, ...now } = await prove({ row, sums, whole, series }, parts, signal)
  const mended = sums.before.missing - sums.after.missing
  const earlier = { ...row, ...(row.found !== undefined && now.found !== undefined && { found: now.found - mended }) }
  const after = { ...row, ...now, series, verdict: row.verdict === 'expired' ? row.verdict : verdictOf(now) }
  const judge = (it: CountedRow, read: Sums) =>
    by === 'count' && it.found !== undefined ? findingOfCount(it, read, whole) : judgePart(it, part, read, whole)
  return {
    row: after,
    before: judge(earlier, sums.before),
    after: judge(after, sums.after),
    written: sums.written,
    accepted,
  }
}

interface Read {
  readonly row: CountedRow
  readonly sums: ReadSums
  readonly whole: boolean
  readonly series: readonly Series[]
}

async function prove({ row, sums, whole, series }: Read, parts: ExaminationParts, signal: AbortSignal) {
  const { gateway, selector, range } = row
  const isExpired = row.verdict === 'expired'
  const isNews = series.length > row.series.length
  const count = () => countSeries(series, range, parts.sink, signal)
  let proof = whole && !isExpired ? provenCount(row, sums.after, parts.reaches(row)) : row.proof
  let found = row.found
  if (!isExpired && (sums.written > 0 || isNews || found === undefined)) found = await count()
  let accepted = { ranges: 0, lost: 0 }
  const { missing, different, unread } = sums.after
  if (parts.accept && whole && found !== undefined && missing + different + unread === 0)
    if (proof === undefined || found < proof) {
      accepted = { ranges: 1, lost: proof === undefined ? 0 : proof - found }
      proof = found
    }
  if (proof !== row.proof || isNews)
    parts.ledger.restate({ sink: parts.sink.id, gateway }, selector, { range, points: proof }, series)
  return { proof, found: proof === undefined ? undefined : found, accepted }
}

/** As many points were put right as the count was short of: the gateway need not be asked for more (law 7). */
function isExplained({ proof, found }: CountedRow, { before, after }: ReadSums): boolean {
  return proof !== undefined && found !== undefined && found < proof && before.missing - after.missing >= proof - found
}

function verdictOf({ proof, found }: Pick<CountedRow, 'proof' | 'found'>): CountedRow['verdict'] {
  return proof === undefined || found === undefined ? 'unknown' : found === proof ? 'equal' : 'differs'
}

function isSame(a: TimeRange, b: TimeRange): boolean {
  return a.after === b.after && a.until === b.until
}

/** By their tags: each reading makes its own. */
function joinSeries(known: readonly Series[], seen: ReadonlySet<Series>): Series[] {
  const keyOf = ({ measurement, tags }: Series) => JSON.stringify([measurement, [...tags]])
  return [...new Map([...seen, ...known].map(one => [keyOf(one), one])).values()]
}
