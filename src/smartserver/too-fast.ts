import { Failure } from '../domain/failure.ts'

/** What the vendor's own flow waits after a 429 that is not about failed logins (protocol §1). */
const usualWaitMs = 120_000

/**
 * The gateway asks for fewer requests, whatever it was asked: no fault of that request, and nothing is asked before the
 * wait is over. A `Retry-After` in seconds takes the place of the usual wait.
 */
export function tooFast(retryAfter: string | string[] | undefined): Failure {
  const told = Number(retryAfter) * 1_000
  return new Failure('the gateway asks for fewer requests', {
    code: 'too-fast',
    retry: 'later',
    reach: 'gateway',
    retryAfterMs: told > 0 ? told : usualWaitMs,
  })
}
