import type { Point, Series } from '../../domain/point.ts'

/** The writes of one sink on their way: few at a time, and in order where order can be seen. */
export interface WriteQueue {
  run<T>(points: readonly Point[], work: () => Promise<T>): Promise<T>
}

interface Flight {
  readonly series: ReadonlySet<Series>
  readonly from: number
  readonly to: number
  readonly start: () => void
}

/** More do not make it faster, and the database has other guests (docs/databases.md). */
const mostInFlight = 2

/**
 * Two writes may be under way at once unless both hold a time of the same series: then the later call must have the
 * last word. Batches of one log follow each other in time, so that this seldom makes anybody wait.
 */
export function createWriteQueue(): WriteQueue {
  const flying = new Set<Flight>()
  const waiting: Flight[] = []

  function startNext(): void {
    const ahead = [...flying]
    for (const flight of [...waiting]) {
      if (flying.size >= mostInFlight) return
      if (!ahead.some(other => overlap(other, flight))) {
        waiting.splice(waiting.indexOf(flight), 1)
        flying.add(flight)
        flight.start()
      }
      ahead.push(flight)
    }
  }

  return {
    async run(points, work) {
      const started = Promise.withResolvers<void>()
      const flight = { ...extent(points), start: started.resolve }
      waiting.push(flight)
      startNext()
      await started.promise
      try {
        return await work()
      } finally {
        flying.delete(flight)
        startNext()
      }
    },
  }
}

function extent(points: readonly Point[]): Pick<Flight, 'series' | 'from' | 'to'> {
  const series = new Set<Series>()
  let from = Number.POSITIVE_INFINITY
  let to = Number.NEGATIVE_INFINITY
  let last: Series | undefined
  for (const point of points) {
    if (point.series !== last) series.add(point.series)
    last = point.series
    from = Math.min(from, point.at.ms)
    to = Math.max(to, point.at.ms)
  }
  return { series, from, to }
}

function overlap(a: Flight, b: Flight): boolean {
  if (a.from > b.to || b.from > a.to) return false
  for (const series of a.series) if (b.series.has(series)) return true
  return false
}
