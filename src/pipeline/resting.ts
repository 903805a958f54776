import type { ParkedRange } from '../ledger/parked.ts'
import { triesOfPiece } from './troubles.ts'

/** Times the rest of a range that was parked once. */
const mostRests = 24

type Tried = Pick<ParkedRange, 'at' | 'tries'>

/** What has failed often rests longer, up to a day: it is not forgotten, and costs the gateway little. */
export function restsUntil({ at, tries }: Tried, restMs: number): number {
  return at + restMs * Math.min(mostRests, Math.max(1, Math.floor(tries / triesOfPiece)))
}

export function isResting(parked: Tried, now: number, restMs: number): boolean {
  // a time of the future is a clock that was set back: it must not rest until the clock has caught up
  return now >= parked.at && now < restsUntil(parked, restMs)
}
