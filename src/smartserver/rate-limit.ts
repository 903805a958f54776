import type { Clock } from '../domain/clock.ts'
import type { Failure } from '../domain/failure.ts'
import { retryAfterOf } from '../domain/retry-after.ts'
import { gatewayFailure } from './failures.ts'

interface RateLimitParts {
  readonly clock: Clock
  /** Before each wait: milliseconds until the gateway may be asked again. */
  readonly onTooFast: (waitMs: number) => void
}

/** Makes a REST call in its turn, and again after the wait if the gateway asks for fewer requests. */
export type RateLimit = <Answer>(ask: () => Promise<Answer>, signal: AbortSignal) => Promise<Answer>

/** From the start of one call to the start of the next: a gateway that takes 8 requests a second must take a login beside them. */
const distanceMs = 170
/** A gateway that still refuses after so many waits in a row is not helped by more. */
const mostWaits = 5
/** A person at a terminal does not wait longer. */
const longestWaitMs = 600_000

/**
 * For commands that a person starts: a walk over hundreds of devices keeps a rate, and a 429 is waited out
 * (`Retry-After`, else as in protocol §1) rather than ending the command. A locked login is none: that needs a person.
 */
export function createRateLimit({ clock, onTooFast }: RateLimitParts): RateLimit {
  let nextAt = 0
  const turn = async (signal: AbortSignal) => {
    const now = clock.now()
    // a clock that was set back must not prolong the wait
    const waitMs = Math.min(distanceMs, Math.max(0, nextAt - now))
    nextAt = now + waitMs + distanceMs
    if (waitMs > 0) await clock.sleep(waitMs, signal)
  }
  return async (ask, signal) => {
    for (let waits = 1; ; waits++) {
      await turn(signal)
      try {
        return await ask()
      } catch (error) {
        if (!gatewayFailure.is(error, 'too-fast') || waits > mostWaits) throw error
        const waitMs = error.retryAfterMs ?? 0
        if (waitMs > longestWaitMs) throw error
        onTooFast(waitMs)
        // a timer may ring a moment early
        await clock.sleep(waitMs + distanceMs, signal)
      }
    }
  }
}

/**
 * The gateway asks for fewer requests, whatever it was asked: no fault of that request, and nothing is asked before the
 * wait is over. A `Retry-After` takes the place of the usual wait.
 */
export function tooFast(headers: Parameters<typeof retryAfterOf>[0]): Failure {
  return gatewayFailure('too-fast', 'the gateway asks for fewer requests', {
    retryAfterMs: retryAfterOf(headers),
  })
}
