import type { Failure } from '../domain/failure.ts'
import { retryAfterOf } from '../domain/retry-after.ts'
import { gatewayFailure } from './failures.ts'

/**
 * The gateway asks for fewer requests, whatever it was asked: no fault of that request, and nothing is asked before the
 * wait is over. A `Retry-After` takes the place of the usual wait.
 */
export function tooFast(headers: Parameters<typeof retryAfterOf>[0]): Failure {
  return gatewayFailure('too-fast', 'the gateway asks for fewer requests', {
    retryAfterMs: retryAfterOf(headers),
  })
}
