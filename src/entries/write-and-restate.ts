import type { SinkGateway } from '../domain/coverage.ts'
import type { DatapointName } from '../domain/datapoint.ts'
import type { Point, Series } from '../domain/point.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { RestatedRow } from '../ledger/restatement.ts'
import { sinkFailure } from '../sinks/failures.ts'
import type { Refusal, Sink } from '../sinks/sink.ts'

/** A point and, if a frame gave it, the datapoint that it is a value of. */
export interface MappedPoint {
  readonly point: Point
  readonly datapoint: DatapointName | undefined
}

interface TouchedRow {
  readonly row: RestatedRow
  readonly series: Set<Series>
}

/**
 * Writes points into ranges that are covered already, and corrects their proofs by the number of points that the database
 * holds before and after: a second replay adds nothing. No other process writes meanwhile, because this one owns the
 * ledger. If the database cannot be counted, or if the process ends in between, the counts become unknown.
 * Returns what was refused.
 */
export async function writeAndRestate(
  mapped: readonly MappedPoint[],
  place: SinkGateway,
  { sink, ledger }: { readonly sink: Sink; readonly ledger: Ledger },
  signal: AbortSignal,
): Promise<ReadonlyMap<Point, Refusal>> {
  if (mapped.length === 0) return new Map()
  const restatement = ledger.proofs.restatement(place)
  const touched = new Map<string, TouchedRow>()
  for (const { point, datapoint } of mapped)
    for (const row of restatement.rowsOf(point.series, datapoint, point.at)) {
      const key = `${row.target} ${row.final} ${row.range.after}`
      const there = touched.get(key) ?? { row, series: new Set() }
      there.series.add(point.series)
      touched.set(key, there)
    }
  const rows = [...touched.values()]
  const before = await countAll(rows, sink, signal)
  restatement.doubt(rows.map(({ row }) => row))
  const points = mapped.map(({ point }) => point)
  const { rejected } = await sink.write(points, signal)
  const after = before && (await countAll(rows, sink, signal))
  if (before !== undefined && after !== undefined)
    restatement.restate(
      rows.map(({ row, series }, i) => ({
        ...row,
        points: row.points + after[i]! - before[i]!,
        series: [...series],
      })),
    )
  return new Map(rejected.map(refusal => [refusal.point, refusal]))
}

/** Undefined if the login of the database may write but not read. */
async function countAll(
  rows: readonly TouchedRow[],
  sink: Sink,
  signal: AbortSignal,
): Promise<readonly number[] | undefined> {
  try {
    const counts: number[] = []
    for (const { row, series } of rows) {
      let sum = 0
      for (const points of (await sink.counts([...series], row.range, signal)).values()) sum += points
      counts.push(sum)
    }
    return counts
  } catch (error) {
    if (sinkFailure.is(error, 'sink-unreadable')) return undefined
    throw error
  }
}
