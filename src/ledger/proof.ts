import type { Selector } from '../domain/datapoint.ts'
import type { Series } from '../domain/point.ts'
import { rangeLength, type TimeRange } from '../domain/range.ts'
import { addCounts, type Counts } from '../domain/receipt.ts'

/** One row of coverage: a range and the distinct points acknowledged for it, where that is known. */
export interface Proof {
  readonly range: TimeRange
  readonly points: number | undefined
  /** As the transfers have counted; of final rows alone. What dead letters that are replayed add is in `points`. */
  readonly counts?: Counts | undefined
}

/** What is claimed of one selector: its final rows, and the series that their points went to. */
export interface Claim {
  readonly selector: Selector
  readonly proofs: readonly Proof[]
  readonly series: readonly Series[]
}

/** What a re-read of a provisional range has found, where it can be compared with the first reading. */
export interface Reread {
  readonly points: number
  readonly late: number
}

/** Only if whole rows make up the range: a row that was cut has no count, and new time has no first reading. */
export function compareReread(first: readonly Proof[], { range, points }: Proof): Reread | undefined {
  const seen = first.filter(row => range.after <= row.range.after && row.range.until <= range.until)
  const earlier = sum(seen.map(row => row.points))
  const length = seen.reduce((total, row) => total + rangeLength(row.range), 0)
  if (points === undefined || earlier === undefined || length !== rangeLength(range)) return undefined
  return { points, late: Math.max(0, points - earlier) }
}

/** The two neighbours that are shortest together. */
export function shortestNeighbours(rows: readonly Proof[]): [Proof, Proof] | undefined {
  let shortest: [Proof, Proof] | undefined
  for (const [i, second] of rows.entries()) {
    const first = rows[i - 1]
    if (first === undefined || first.range.until !== second.range.after) continue
    const lengthMs = second.range.until - first.range.after
    if (shortest === undefined || lengthMs < shortest[1].range.until - shortest[0].range.after)
      shortest = [first, second]
  }
  return shortest
}

export function joinProofs(a: Proof, b: Proof): Proof {
  return {
    range: { after: Math.min(a.range.after, b.range.after), until: Math.max(a.range.until, b.range.until) },
    points: sum([a.points, b.points]),
    counts: a.counts && b.counts && addCounts(a.counts, b.counts),
  }
}

function sum(counts: readonly (number | undefined)[]): number | undefined {
  return counts.every(count => count !== undefined) ? counts.reduce((a, b) => a + b, 0) : undefined
}
