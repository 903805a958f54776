import type { Entry, History } from './history.ts'
import { mergeByTime } from './merge.ts'
import type { Datapoint } from './site.ts'

/** The time from one moment of the gateway's clock to another, in which it logged without a break. */
interface Period {
  readonly history: History
  /** When logging ended, ms UTC; Infinity while it goes on. */
  readonly until: number
}

/** A history with breaks: the clock was set, or logging was paused. */
export interface Periods extends History {
  /** Logging ends now. What was logged stays, whatever the clock says later. */
  end(now: number): void
  /** Logging begins again at this moment of the gateway's clock, which may have been there before. */
  begin(now: number): void
}

/**
 * `create` makes the history from a moment on, for the given number of the period. A period holds what was stored within it, so
 * a moment that the clock passes twice has the entries of both times.
 */
export function createPeriods(first: History, create: (start: number, period: number) => History): Periods {
  let periods: readonly Period[] = [{ history: first, until: Number.POSITIVE_INFINITY }]

  function read(
    after: number,
    until: number,
    entriesOf: (history: History, until: number) => Iterable<Entry>,
  ): Iterable<Entry> {
    const [only] = periods
    if (periods.length === 1 && only?.until === Number.POSITIVE_INFINITY) return entriesOf(only.history, until)
    return mergeByTime(periods.map(period => within(period, Math.min(until, period.history.last(period.until)))))

    function* within(period: Period, last: number): Generator<Entry> {
      if (last <= after) return
      const isOver = period.until !== Number.POSITIVE_INFINITY
      for (const entry of entriesOf(period.history, last)) {
        if (!isOver) yield entry
        else if (entry.storedAt <= period.until) yield { ...entry, storedAt: Number.NEGATIVE_INFINITY }
      }
    }
  }

  const current = () => periods.find(({ until }) => until === Number.POSITIVE_INFINITY)

  return {
    devices: first.devices,
    datapoints: first.datapoints,
    get start() {
      return Math.min(...periods.map(({ history }) => history.start))
    },
    last(now) {
      return Math.max(...periods.map(({ history, until }) => history.last(Number.isFinite(until) ? until : now)))
    },
    entries: (datapoint: Datapoint, after, until) =>
      read(after, until, (history, last) => history.entries(datapoint, after, last)),
    merged: (filter, after, until) => read(after, until, (history, last) => history.merged(filter, after, last)),
    end(now) {
      periods = periods.map(period => (period.until === Number.POSITIVE_INFINITY ? { ...period, until: now } : period))
    },
    begin(now) {
      if (current() === undefined)
        periods = [...periods, { history: create(now + 1, periods.length), until: Number.POSITIVE_INFINITY }]
    },
  }
}
