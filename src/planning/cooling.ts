import type { TimeRange } from '../domain/range.ts'
import { triesOfPiece } from './backlog.ts'

/** A range that failed again and again, as far as planning needs it. */
export interface Parked {
  readonly range: TimeRange
  /** When it failed last, by the host's clock, ms UTC. */
  readonly at: number
  readonly tries: number
}

/** Times the cool-down of a range that was parked once. */
const mostTimes = 24

/** What has failed often cools down longer, up to a day: it is not forgotten, and costs the gateway little. */
function coolsUntil({ at, tries }: Parked, coolingMs: number): number {
  return at + coolingMs * Math.min(mostTimes, Math.max(1, Math.floor(tries / triesOfPiece)))
}

export function isCooling(parked: Parked, now: number, coolingMs: number): boolean {
  // a time of the future is a clock that was set back: the range must not wait until the clock has caught up
  return now >= parked.at && now < coolsUntil(parked, coolingMs)
}

/** What a run leaves alone because it has failed lately. */
export interface CoolingRanges {
  /** The same range of several datapoints is one. */
  readonly count: number
  /** From when to when they reach. */
  readonly range: TimeRange
  /** When the first of them may be tried again, by the host's clock, ms UTC. */
  readonly triedAgainAt: number
}

export function coolingRanges(parked: readonly Parked[], now: number, coolingMs: number): CoolingRanges | undefined {
  const cooling = parked.filter(it => isCooling(it, now, coolingMs))
  if (cooling.length === 0) return undefined
  return {
    count: countDistinct(cooling),
    range: {
      after: Math.min(...cooling.map(({ range }) => range.after)),
      until: Math.max(...cooling.map(({ range }) => range.until)),
    },
    triedAgainAt: Math.min(...cooling.map(it => coolsUntil(it, coolingMs))),
  }
}

export function countDistinct(parked: readonly Parked[]): number {
  return new Set(parked.map(({ range: { after, until } }) => `${after}/${until}`)).size
}
