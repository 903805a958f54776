import type { Point, Series } from '../../domain/point.ts'

/** The writes of one sink that are under way: few at a time, and in order where order can be seen. */
export interface WriteQueue {
  /** So many at once from now on. */
  allow(writes: number): void
  run<T>(points: readonly Point[], work: () => Promise<T>): Promise<T>
}

interface QueuedWrite {
  readonly series: ReadonlySet<Series>
  readonly from: number
  readonly to: number
  readonly start: () => void
}

/** Until the database is known. */
const firstInFlight = 2

/**
 * Writes may be under way at once unless both hold a time of the same series: then the later call must have the last
 * word. Batches of one log follow each other in time, so that this seldom makes one of them wait.
 */
export function createWriteQueue(): WriteQueue {
  let most = firstInFlight
  const underWay = new Set<QueuedWrite>()
  const waiting: QueuedWrite[] = []

  function startNext(): void {
    const ahead = [...underWay]
    for (const write of [...waiting]) {
      if (underWay.size >= most) return
      if (!ahead.some(other => overlap(other, write))) {
        waiting.splice(waiting.indexOf(write), 1)
        underWay.add(write)
        write.start()
      }
      ahead.push(write)
    }
  }

  return {
    allow(writes) {
      most = writes
      startNext()
    },
    async run(points, work) {
      const started = Promise.withResolvers<void>()
      const write = { ...extent(points), start: started.resolve }
      waiting.push(write)
      startNext()
      await started.promise
      try {
        return await work()
      } finally {
        underWay.delete(write)
        startNext()
      }
    },
  }
}

function extent(points: readonly Point[]): Pick<QueuedWrite, 'series' | 'from' | 'to'> {
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

function overlap(a: QueuedWrite, b: QueuedWrite): boolean {
  if (a.from > b.to || b.from > a.to) return false
  for (const series of a.series) if (b.series.has(series)) return true
  return false
}
