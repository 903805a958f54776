import type { TimeRange } from '../domain/range.ts'
import type { Proof } from './proof.ts'

/**
 * Final rows that touch are joined within a calendar month (UTC), by the month in which they begin. A row has one count:
 * were it as long as the whole history, no part of it could be compared once the database has dropped the oldest, and one
 * count that is not known would be that of all. Two years of months; what is older is one row, so that the ledger's size
 * still follows the gaps (law 3): a thousand datapoints over ten years are a megabyte.
 * Of a database that keeps less than three months they are joined within a day, because of a month too much of it would
 * soon be older than the database keeps, and could not be compared.
 */
const longestOf = { month: 24, day: 100 } as const
const shortKeptMs = 92 * 86_400_000

export type Span = keyof typeof longestOf

/** What final rows are joined within; `keptMs`: how long the database keeps points. */
export function compactionSpanOf(keptMs: number | undefined): Span {
  return keptMs !== undefined && keptMs < shortKeptMs ? 'day' : 'month'
}

export function isSameSpan(a: TimeRange, b: TimeRange, span: Span): boolean {
  return dateOf(a, span) === dateOf(b, span)
}

/** The oldest two rows that touch, where there are too many; of those whose counts are both known, if there are such. */
export function rowsToJoin(rows: readonly Proof[], span: Span): readonly [Proof, Proof] | undefined {
  const pairs = rows.slice(1).flatMap((second, i): [Proof, Proof][] => {
    const first = rows[i]!
    return first.range.until === second.range.after ? [[first, second]] : []
  })
  if (pairs.length < longestOf[span]) return undefined
  // a count that is known is not given up for one that is not
  return pairs.find(([a, b]) => (a.points === undefined) === (b.points === undefined)) ?? pairs[0]
}

function dateOf({ after }: TimeRange, span: Span): string {
  return new Date(after).toISOString().slice(0, span === 'day' ? 10 : 7)
}
