import { compareInstants } from '../../src/domain/instant.ts'
import type { Point, Series } from '../../src/domain/point.ts'
import { rangeHolds, type TimeRange } from '../../src/domain/range.ts'
import { markMeasurement, type Refusal, type Sink, type WriteResult } from '../../src/sinks/sink.ts'

export interface ScriptedSink extends Sink {
  /** Every batch that was handed over, in order, without marks. */
  readonly batches: readonly (readonly Point[])[]
  /** What a database would hold: the last point of each series and time. */
  readonly stored: ReadonlyMap<string, Point>
  /** Puts back what it holds now, as an older copy of the files of a database does. */
  copy(): () => void
  /** Drops what it holds: all of it, or one measurement. */
  drop(measurement?: string): void
  /** Loses one point. */
  lose(point: Point): void
  /** Batches not answered yet, and the most there ever were. */
  readonly inFlight: { now: number; most: number }
}

/** A sink in memory that answers as a test wants: by default it takes everything. */
export function scriptedSink(
  answer: (points: readonly Point[], signal: AbortSignal) => Promise<readonly Refusal[]> = async () => [],
): ScriptedSink {
  const batches: (readonly Point[])[] = []
  const stored = new Map<string, Point>()
  const bySeries = new Map<string, Map<string, Point>>()
  const inFlight = { now: 0, most: 0 }
  const held = (series: Series, range: TimeRange) =>
    [...(bySeries.get(keyOf(series))?.values() ?? [])].filter(({ at }) => rangeHolds(range, at))
  const put = (point: Point) => {
    const [key, time] = [keyOf(point.series), `${point.at.ms}.${point.at.nanos}`]
    const own = bySeries.get(key) ?? new Map<string, Point>()
    bySeries.set(key, own.set(time, point))
    if (!isMark(point)) stored.set(`${key} ${time}`, point)
  }
  return {
    id: 'scripted',
    label: 'a list in memory',
    batches,
    stored,
    inFlight,
    copy() {
      const held = new Map([...bySeries].map(([key, points]) => [key, new Map(points)]))
      return () => {
        bySeries.clear()
        for (const [key, points] of held) bySeries.set(key, new Map(points))
      }
    },
    drop(measurement) {
      for (const key of bySeries.keys())
        if (measurement === undefined || JSON.parse(key)[0] === measurement) bySeries.delete(key)
    },
    lose({ series, at }) {
      const [key, time] = [keyOf(series), `${at.ms}.${at.nanos}`]
      bySeries.get(key)?.delete(time)
      stored.delete(`${key} ${time}`)
    },
    async write(points, signal): Promise<WriteResult> {
      signal.throwIfAborted()
      if (points.every(isMark)) {
        for (const point of points) put(point)
        return { written: points.length, rejected: [] }
      }
      batches.push(points)
      inFlight.most = Math.max(inFlight.most, ++inFlight.now)
      try {
        const rejected = await answer(points, signal)
        const refused = new Set(rejected.map(({ point }) => point))
        for (const point of points) if (!refused.has(point)) put(point)
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

function isMark({ series }: Point): boolean {
  return series.measurement === markMeasurement
}

function keyOf({ measurement, tags }: Series): string {
  return JSON.stringify([measurement, [...tags]])
}
