import { backoffMs } from '../domain/backoff.ts'
import type { Clock } from '../domain/clock.ts'
import type { Failure } from '../domain/failure.ts'
import { transferFailure } from './failures.ts'
import { createRest, type Gate } from './gate.ts'

/** Request failures in a row, over all pieces, after which the gateway itself is taken to be sick. */
const mostInARow = 40
/** The same of a gateway that was given up for it in an earlier pass and has completed no request since. */
const mostInARowOfTheSick = 4
const firstWaitMs = 1_000
const longestRequestWaitMs = 10_000
/** With the time between two passes of a schedule, the end of an outage is noticed within a minute. */
const longestGatewayWaitMs = 30_000

/** What has gone wrong on a gateway since something last went right: what `decide` looks at. */
export interface CircuitState {
  /** Failures of any kind in a row. */
  readonly failures: number
  readonly requestFailures: number
  /** More failed requests in a row than this are the gateway's own trouble. */
  readonly mostRequestFailures: number
  /** The next pass of a schedule would find the same: this one waits for the gateway until it ends. */
  readonly isScheduled: boolean
  /** It has answered in this pass. */
  readonly hasAnswered: boolean
  /** How long it has been away after it had answered, ms. */
  readonly awayMs: number
  readonly patienceMs: number
}

/**
 * The circuit breaker of one gateway. Open: no request and no login begins. It outlives a pass: the wait that a gateway
 * has asked for, and that it was sick, hold for the next pass too (law 7).
 */
export interface Circuit {
  readonly state: CircuitState
  readonly gate: Gate
  beginPass(kind: { readonly isScheduled: boolean }): void
  /** A login succeeded: nothing is known yet of the log. */
  connected(): void
  /** A request was completed. */
  succeeded(): void
  /** Returns how long to wait, ms: all sockets where this opened the circuit, else the one that failed. */
  failed(failure: Failure): number
}

/** Before the gateway has answered no range can be to blame. */
export function isOfRequest({ reach }: Failure, { hasAnswered }: Pick<CircuitState, 'hasAnswered'>): boolean {
  return reach === 'request' && hasAnswered
}

export function createCircuit(clock: Clock, patienceMs: number): Circuit {
  const open = createRest(clock)
  let openedBy: Failure | undefined
  let failures = 0
  let requestFailures = 0
  let mostRequestFailures = mostInARow
  let isScheduled = false
  let hasAnswered = false
  let awaySince: number | undefined

  function connected(): void {
    failures = 0
    hasAnswered = true
    awaySince = undefined
  }

  return {
    get state() {
      const awayMs = awaySince === undefined ? 0 : clock.now() - awaySince
      return { failures, requestFailures, mostRequestFailures, isScheduled, hasAnswered, awayMs, patienceMs }
    },
    gate() {
      const left = open.left()
      if (left <= 0 || openedBy === undefined) return undefined
      const text = `trying again after: ${openedBy.message}`
      return { kind: 'circuit-open', text, until: clock.now() + left, failure: openedBy }
    },
    beginPass(kind) {
      if (requestFailures > mostRequestFailures) mostRequestFailures = mostInARowOfTheSick
      isScheduled = kind.isScheduled
      // the waits of a schedule belong to the gateway and not to a pass
      if (!isScheduled) failures = 0
      requestFailures = 0
      hasAnswered = false
      awaySince = undefined
    },
    connected,
    succeeded() {
      connected()
      requestFailures = 0
      mostRequestFailures = mostInARow
    },
    failed(failure) {
      // the database's trouble, and a range that was too long, say nothing about the gateway
      if (failure.reach === 'sink' || failure.reach === 'run' || transferFailure.is(failure, 'too-dense')) return 0
      const isRequest = isOfRequest(failure, { hasAnswered })
      failures++
      if (isRequest) requestFailures++
      // since it went away, not since something last went right: a request may take longer than the patience
      else if (hasAnswered) awaySince ??= clock.now()
      const mostMs = isRequest ? longestRequestWaitMs : longestGatewayWaitMs
      const waitMs = backoffMs(failures, { firstMs: firstWaitMs, mostMs }, failure.retryAfterMs)
      if ((!isRequest || failure.retryAfterMs !== undefined) && open.left() < waitMs) {
        open.start(waitMs)
        openedBy = failure
      }
      return waitMs
    },
  }
}
