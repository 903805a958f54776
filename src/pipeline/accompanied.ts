import type { Logger } from 'pino'
import type { GatewayLimits } from '../config/schema.ts'
import type { Clock } from '../domain/clock.ts'
import type { Frame } from '../domain/entry.ts'
import { Failure } from '../domain/failure.ts'
import type { DataLogRequest } from '../domain/request.ts'
import type { Companion } from '../smartserver/companion.ts'
import type { Gateway } from '../smartserver/gateway.ts'
import { createCpuGate } from './cpu-gate.ts'
import type { RunSource } from './job.ts'

export interface AccompaniedParts {
  readonly gateway: Gateway
  readonly companion: Companion
  readonly limits: GatewayLimits
  readonly clock: Clock
  readonly log: Logger
}

export interface Accompanied extends RunSource {
  /** Resolves when the gateway's CPU allows more. */
  ready(signal: AbortSignal): Promise<void>
}

/** A gateway for runs, with its companion: requests wait for its CPU, and failures tell what it said meanwhile. */
export function accompanied({ gateway, companion, limits, clock, log }: AccompaniedParts): Accompanied {
  const ready = createCpuGate({
    clock,
    log: log.child({ gateway: gateway.name }),
    current: () => companion.cpu(),
    pauseAbove: limits.pauseAboveCpu,
  })
  return {
    name: gateway.name,
    clock: gateway.clock,
    async hello(signal) {
      await gateway.hello(signal)
      companion.start()
    },
    ready,
    async *readDataLog(request: DataLogRequest, signal: AbortSignal): AsyncGenerator<readonly Frame[]> {
      const began = clock.now()
      try {
        yield* gateway.readDataLog(request, signal)
      } catch (error) {
        throw error instanceof Failure ? withNotices(error, companion.notificationsSince(began)) : error
      }
    },
  }
}

/** Some errors of a request are told on the general socket alone (protocol §5). */
function withNotices(failure: Failure, notices: readonly string[]): Failure {
  if (notices.length === 0) return failure
  const heard = `The gateway said meanwhile: "${notices.slice(-3).join('", "')}".`
  return failure.advising(failure.advice === undefined ? heard : `${failure.advice} ${heard}`)
}
