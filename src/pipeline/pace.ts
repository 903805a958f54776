import type { Clock } from '../domain/clock.ts'

/**
 * Spreads the starts of requests evenly: `perMinute` of them, no bursts. By the run's own clock rather than p-queue's
 * interval, which knows real time only (law 11). Resolves when the next request may begin.
 */
export function createPace(perMinute: number, clock: Clock): (signal: AbortSignal) => Promise<void> {
  const gapMs = 60_000 / perMinute
  let next = Number.NEGATIVE_INFINITY
  return async signal => {
    const now = clock.now()
    // a clock that was set back must not lead to a long wait
    const at = Math.min(Math.max(now, next), now + gapMs)
    next = at + gapMs
    if (at > now) await clock.sleep(at - now, signal)
  }
}
