import type { Entry, History } from './history.ts'
import type { Retention } from './retention.ts'
import type { Datapoint } from './site.ts'

/** What the gateway shows of a history at this moment: nothing pruned, nothing that is not stored yet. */
export interface Store {
  /** Time of the oldest entry that may still be there, ms UTC; it only grows. */
  readonly start: number
  /** Forgets everything before this time, ms UTC, also for answers that are being sent. */
  prune(before: number): void
  /** Entries of `(after, until]` that are visible now, oldest first. */
  read(filter: (datapoint: Datapoint) => boolean, after: number, until: number): Iterable<Entry>
  /** The same, newest first. Holds some hours of entries in memory at a time. */
  readBackwards(filter: (datapoint: Datapoint) => boolean, after: number, until: number): Iterable<Entry>
  /** The newest visible entry of a datapoint not older than `maxAgeMs`. */
  newest(datapoint: Datapoint, maxAgeMs: number): Entry | undefined
}

const firstSliceMs = 60_000
const lastSliceMs = 6 * 3_600_000

export function createStore(
  history: History,
  retention: Retention,
  now: () => number,
  compare: 'exact' | 'ms' = 'exact',
): Store {
  let pruned = Number.NEGATIVE_INFINITY
  const start = () => {
    if (retention.longestMs > 0) pruned = Math.max(pruned, now() - retention.longestMs)
    return Math.max(pruned, history.start)
  }

  function isVisible(entry: Entry, at: number): boolean {
    const ownMs = retention.of?.(entry.datapoint) ?? 0
    return entry.storedAt <= at && entry.ms >= pruned && (ownMs === 0 || entry.ms >= at - ownMs)
  }

  function* read(filter: (datapoint: Datapoint) => boolean, after: number, until: number): Generator<Entry> {
    const opened = now()
    const from = Math.max(after, start() - 1)
    const to = Math.min(until, history.last(opened))
    if (compare === 'exact') {
      for (const entry of history.merged(filter, from, to)) if (isVisible(entry, opened)) yield entry
      return
    }
    for (const entry of history.merged(filter, from, to + 1))
      if (entry.ms > from && entry.ms <= to && isVisible(entry, opened)) yield entry
  }

  function* readBackwards(filter: (datapoint: Datapoint) => boolean, after: number, until: number): Generator<Entry> {
    const first = Math.max(after, start() - 1)
    let to = Math.min(until, history.last(now()))
    let slice = firstSliceMs
    while (to > first) {
      const from = Math.max(first, to - slice)
      yield* [...read(filter, from, to)].reverse()
      to = from
      slice = Math.min(slice * 2, lastSliceMs)
    }
  }

  return {
    get start() {
      return start()
    },
    prune(before) {
      pruned = Math.max(start(), before)
    },
    read,
    readBackwards,
    newest(datapoint, maxAgeMs) {
      const at = now()
      const first = Math.max(at - maxAgeMs, start() - 1)
      let to = history.last(at)
      for (let slice = firstSliceMs; to > first; slice *= 2) {
        const from = Math.max(first, to - slice)
        let found: Entry | undefined
        for (const entry of history.entries(datapoint, from, to)) if (isVisible(entry, at)) found = entry
        if (found !== undefined) return found
        to = from
      }
      return undefined
    },
  }
}
