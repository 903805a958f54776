import type { TimeRange } from '../domain/range.ts'
import type { Proof } from './targets.ts'

/**
 * Final rows that touch are joined within a calendar month (UTC), by the month in which they begin. A row has one count:
 * were it as long as the whole history, no part of it could be compared once the database has dropped the oldest, and one
 * count that is not known would be that of all. Two years of months; what is older is one row, so that the ledger's size
 * still follows the gaps (law 3): a thousand datapoints over ten years are a megabyte.
 */
const mostMonths = 24

export function isSameMonth(a: TimeRange, b: TimeRange): boolean {
  return monthOf(a) === monthOf(b)
}

/** The oldest two rows that touch, where there are too many; of those whose counts are both known, if there are such. */
export function monthsToJoin(rows: readonly Proof[]): readonly [Proof, Proof] | undefined {
  const pairs = rows.slice(1).flatMap((second, i): [Proof, Proof][] => {
    const first = rows[i]!
    return first.range.until === second.range.after ? [[first, second]] : []
  })
  if (pairs.length < mostMonths) return undefined
  // a count that is known is not given up for one that is not
  return pairs.find(([a, b]) => (a.points === undefined) === (b.points === undefined)) ?? pairs[0]
}

function monthOf({ after }: TimeRange): string {
  return new Date(after).toISOString().slice(0, 7)
}
