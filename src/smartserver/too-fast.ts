import type { Failure } from '../domain/failure.ts'
import { gatewayFailure } from './failures.ts'

/**
 * The gateway asks for fewer requests, whatever it was asked: no fault of that request, and nothing is asked before the
 * wait is over. A `Retry-After` in seconds takes the place of the usual wait.
 */
export function tooFast(retryAfter: string | string[] | undefined): Failure {
  const askedMs = Number(retryAfter) * 1_000
  return gatewayFailure('too-fast', 'the gateway asks for fewer requests', {
    retryAfterMs: askedMs > 0 ? askedMs : undefined,
  })
}
