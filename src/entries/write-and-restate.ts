import type { DatapointName } from '../domain/datapoint.ts'
import { Failure } from '../domain/failure.ts'
import type { Point, Series } from '../domain/point.ts'
import type { AmendedRow } from '../ledger/amendments.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Place } from '../ledger/targets.ts'
import type { Refusal, Sink } from '../sinks/sink.ts'

/** A point and, where it came from a frame, what it is a value of. */
export interface Brought {
  readonly point: Point
  readonly datapoint: DatapointName | undefined
}

interface Amended {
  readonly row: AmendedRow
  readonly series: Set<Series>
}

/**
 * Writes points into ranges that are covered already, and sets their proofs right by what the database holds before and
 * after: whoever replays twice adds nothing the second time. Nobody else writes meanwhile, since the ledger is ours. If
 * the database cannot be counted, or all ends in between, the counts are unknown, which is true.
 * Returns what was refused.
 */
export async function amended(
  brought: readonly Brought[],
  place: Place,
  { sink, ledger }: { readonly sink: Sink; readonly ledger: Ledger },
  signal: AbortSignal,
): Promise<ReadonlyMap<Point, Refusal>> {
  if (brought.length === 0) return new Map()
  const amendments = ledger.amendments(place)
  const touched = new Map<string, Amended>()
  for (const { point, datapoint } of brought)
    for (const row of amendments.rowsOf(point.series, datapoint, point.at)) {
      const key = `${row.target} ${row.final} ${row.range.after}`
      const there = touched.get(key) ?? { row, series: new Set() }
      there.series.add(point.series)
      touched.set(key, there)
    }
  const rows = [...touched.values()]
  const before = await countAll(rows, sink, signal)
  amendments.doubt(rows.map(({ row }) => row))
  const points = brought.map(({ point }) => point)
  const { rejected } = await sink.write(points, signal)
  const after = before && (await countAll(rows, sink, signal))
  if (before !== undefined && after !== undefined)
    amendments.restate(
      rows.map(({ row, series }, i) => ({
        ...row,
        points: row.points + after[i]! - before[i]!,
        series: [...series],
      })),
    )
  return new Map(rejected.map(refusal => [refusal.point, refusal]))
}

/** Undefined where the login may write but not read. */
async function countAll(
  rows: readonly Amended[],
  sink: Sink,
  signal: AbortSignal,
): Promise<readonly number[] | undefined> {
  try {
    const counts: number[] = []
    for (const { row, series } of rows) {
      let sum = 0
      for (const one of series) sum += await sink.count(one, row.range, signal)
      counts.push(sum)
    }
    return counts
  } catch (error) {
    if (error instanceof Failure && error.code === 'sink-unreadable') return undefined
    throw error
  }
}
