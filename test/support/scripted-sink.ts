import { compareInstants } from '../../src/domain/instant.ts'
import type { Point, Series } from '../../src/domain/point.ts'
import { rangeHolds, type TimeRange } from '../../src/domain/range.ts'
import type { Refusal, Sink, WriteResult } from '../../src/sinks/sink.ts'

export interface ScriptedSink extends Sink {
  /** Every batch that was handed over, in order. */
  readonly batches: readonly (readonly Point[])[]
  /** What a database would hold: the last point of each series and time. */
  readonly stored: ReadonlyMap<string, Point>
  /** Batches not answered yet, and the most there ever were. */
  readonly inFlight: { now: number; most: number }
}

/** A sink in memory that answers as a test wants: by default it takes everything. */
export function scriptedSink(
  answer: (points: readonly Point[], signal: AbortSignal) => Promise<readonly Refusal[]> = async () => [],
): ScriptedSink {
  const batches: (readonly Point[])[] = []
  const stored = new Map<string, Point>()
  const inFlight = { now: 0, most: 0 }
  const held = (series: Series, range: TimeRange) =>
    [...stored.values()].filter(point => keyOf(point.series) === keyOf(series) && rangeHolds(range, point.at))
  return {
    id: 'scripted',
    label: 'a list in memory',
    batches,
    stored,
    inFlight,
    async write(points, signal): Promise<WriteResult> {
      signal.throwIfAborted()
      batches.push(points)
      inFlight.most = Math.max(inFlight.most, ++inFlight.now)
      try {
        const rejected = await answer(points, signal)
        const refused = new Set(rejected.map(({ point }) => point))
        for (const point of points)
          if (!refused.has(point)) stored.set(`${keyOf(point.series)} ${point.at.ms}.${point.at.nanos}`, point)
        return { written: points.length - rejected.length, rejected }
      } finally {
        inFlight.now--
      }
    },
    check: async () => ({ kind: 'scripted', version: undefined, retentionMs: undefined, warnings: [] }),
    counts: async (series, range) => new Map(series.map(one => [one, held(one, range).length])),
    async *read(series, range) {
      yield* held(series, range).sort((a, b) => compareInstants(a.at, b.at))
    },
    close: async () => {},
  }
}

export function refusal(point: Point, reason = 'no'): Refusal {
  return { point, code: 'refused', reason }
}

function keyOf({ measurement, tags }: Series): string {
  return JSON.stringify([measurement, [...tags]])
}
