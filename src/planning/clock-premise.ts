import type { ClockReading } from '../domain/clock.ts'
import { RangeSet, type TimeRange } from '../domain/range.ts'

/**
 * A reading is uncertain by what the gateway shows too coarsely and by the way of its answer. A set-back by less costs
 * no proof, because nothing later than the gateway's clock less `sync.settle` is asked for.
 */
const toleranceMs = 2_000

const dayMs = 86_400_000

/** The first SmartServer IoT logged later than this: an earlier clock is one that lost its time. */
const earliestMs = Date.UTC(2019, 0, 1)

/** A clock is not off by more than this and right: one of the two lost its time. */
const mostDifferenceMs = 366 * dayMs

/** False: the clock started without a battery and was not set yet. */
export function hasTime(ms: number): boolean {
  return ms >= earliestMs
}

/** True where the gateway's clock cannot be right: nothing is asked for by it. A host that lost its time cannot know. */
export function isImpossibleClock({ host, gateway }: ClockReading): boolean {
  if (!hasTime(gateway)) return true
  return hasTime(host) && Math.abs(gateway - host) > mostDifferenceMs
}

/**
 * The time that the gateway's clock went through between two readings (law 14). What was complete of it before is
 * complete no more: the gateway logs it again. `elapsedMs` is the true time between them; undefined where the process did
 * not live through it, and the host's clock has to do.
 *
 * A clock that runs on goes through `(earlier, now]`. One that was set in between went on from the earlier reading for at
 * most the elapsed time, and has come to the later one for at most that long.
 */
export function timeLived(earlier: ClockReading, now: ClockReading, elapsedMs: number | undefined): RangeSet {
  const advanced = now.gateway - earlier.gateway
  const onwards: TimeRange = { after: earlier.gateway, until: now.gateway }
  const passedMs = elapsedMs ?? now.host - earlier.host
  if (Math.abs(advanced - passedMs) <= toleranceMs) return RangeSet.of(onwards)
  if (elapsedMs === undefined) {
    // the host's clock was set back as well: how long it took is unknown, and a day is the careful guess
    if (passedMs < 0) return aroundJump(earlier, now, Math.max(dayMs, advanced <= dayMs ? advanced : 0))
    if (advanced >= 0 && passedMs > advanced && hostWasCorrected(earlier, now)) return RangeSet.of(onwards)
  }
  return aroundJump(earlier, now, passedMs)
}

/** Where the clock landed is known no better than a reading is. */
function aroundJump(earlier: ClockReading, now: ClockReading, mostMs: number): RangeSet {
  return RangeSet.of(
    { after: earlier.gateway, until: earlier.gateway + mostMs },
    { after: now.gateway - mostMs - toleranceMs, until: now.gateway },
  )
}

/** The host was off by days and agrees now: its clock was put right, not the gateway's. */
function hostWasCorrected(earlier: ClockReading, now: ClockReading): boolean {
  return Math.abs(earlier.gateway - earlier.host) > dayMs && Math.abs(now.gateway - now.host) <= 60_000
}
