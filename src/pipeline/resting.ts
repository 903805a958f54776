import type { TimeRange } from '../domain/range.ts'
import type { ParkedRange } from '../ledger/parked.ts'
import { triesOfPiece } from './decide.ts'
import type { Wish } from './job.ts'

/** Times the rest of a range that was parked once. */
const mostRests = 24

type Tried = Pick<ParkedRange, 'at' | 'tries'>

/** What has failed often rests longer, up to a day: it is not forgotten, and costs the gateway little. */
function restsUntil({ at, tries }: Tried, restMs: number): number {
  return at + restMs * Math.min(mostRests, Math.max(1, Math.floor(tries / triesOfPiece)))
}

export function isResting(parked: Tried, now: number, restMs: number): boolean {
  // a time of the future is a clock that was set back: it must not rest until the clock has caught up
  return now >= parked.at && now < restsUntil(parked, restMs)
}

/** What a run with a wish leaves alone because it has failed lately. */
export interface RestingRanges {
  /** The same range of several datapoints is one. */
  readonly count: number
  /** From when to when they reach. */
  readonly range: TimeRange
  /** When the first of them may be tried again, by the host's clock, ms UTC. */
  readonly triedAgainAt: number
}

export function restingRanges(
  parked: readonly ParkedRange[],
  wanted: TimeRange,
  { parkedRestMs, parkedSince = wanted.after }: Pick<Wish, 'parkedRestMs' | 'parkedSince'>,
  now: number,
): RestingRanges | undefined {
  const after = Math.min(wanted.after, parkedSince)
  const resting = parked.filter(
    it => isResting(it, now, parkedRestMs) && it.range.until > after && it.range.after < wanted.until,
  )
  if (resting.length === 0) return undefined
  const ranges = resting.map(({ range }) => range)
  return {
    count: new Set(ranges.map(({ after, until }) => `${after}/${until}`)).size,
    range: {
      after: Math.min(...ranges.map(it => it.after)),
      until: Math.max(...ranges.map(it => it.until)),
    },
    triedAgainAt: Math.min(...resting.map(it => restsUntil(it, parkedRestMs))),
  }
}
