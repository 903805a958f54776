import { rangeLength, type TimeRange } from '../domain/range.ts'
import type { Sink } from '../sinks/sink.ts'
import { type CountedRow, countSeries } from './counts.ts'

/** More pieces would cost the database more than they save the gateway. */
const mostPieces = 64
const mostCounts = 10_000

/**
 * A part of a row in which points are missing, in pieces of about one request. Pieces with the fewest points come first,
 * because the gateway is asked only until all that is missing was found (law 7). A wrong order costs requests, nothing else.
 */
export async function suspectPieces(
  { proof, found, series }: CountedRow,
  part: TimeRange,
  entries: number,
  sink: Pick<Sink, 'counts'>,
  signal: AbortSignal,
): Promise<TimeRange[]> {
  if (proof === undefined || found === undefined || found >= proof) return [part]
  const count = Math.min(Math.ceil(proof / entries), mostPieces, Math.floor(mostCounts / Math.max(1, series.length)))
  const pieces = cutEvenly(part, count)
  if (pieces.length === 1) return pieces
  const counted: { range: TimeRange; points: number }[] = []
  for (const range of pieces) counted.push({ range, points: await countSeries(series, range, sink, signal) })
  return counted.sort((a, b) => a.points - b.points).map(({ range }) => range)
}

function cutEvenly(range: TimeRange, count: number): TimeRange[] {
  const stepMs = Math.ceil(rangeLength(range) / Math.max(1, count))
  const pieces: TimeRange[] = []
  for (let { after } = range; after < range.until; after += stepMs)
    pieces.push({ after, until: Math.min(range.until, after + stepMs) })
  return pieces
}
