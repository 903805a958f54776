import type { Clock } from '../domain/clock.ts'
import type { Failure } from '../domain/failure.ts'
import { backoffMs } from './backoff.ts'

/** Tries of a piece before it is halved, or parked at the shortest length. */
export const triesOfPiece = 3
/** Request failures in a row, over all pieces, after which the gateway itself is taken to be sick. */
const failuresInARow = 40
/** Request failures in a row after which it is worth looking whether other time is as sick. */
const failuresAtOneEnd = 4
/** Tries to get through to a gateway that has not answered once in this run. */
const triesToConnect = 4
const longestRequestWaitMs = 10_000
const longestGatewayWaitMs = 60_000

/** What has gone wrong on one gateway since something last went right: with single requests, and with all of it. */
export class Troubles {
  readonly #clock: Clock
  readonly #patience: number
  #inARow = 0
  #requestsInARow = 0
  #hasAnswered = false
  #awaySince: number | undefined

  constructor(clock: Clock, patience: number) {
    this.#clock = clock
    this.#patience = patience
  }

  succeeded(): void {
    this.#inARow = 0
    this.#requestsInARow = 0
    this.#hasAnswered = true
    this.#awaySince = undefined
  }

  /** One request failed after the other: whether the gateway or just this stretch of time is sick, other time tells. */
  get wantsOtherEnd(): boolean {
    return this.#requestsInARow > 0 && this.#requestsInARow % (failuresAtOneEnd + 1) === failuresAtOneEnd
  }

  /** How long to wait before anything is asked again; undefined: the gateway is given up for this run. */
  waitAfter(failure: Failure): number | undefined {
    // before the gateway has answered no range can be to blame
    const isRequest = failure.reach === 'request' && this.#hasAnswered
    this.#inARow++
    if (isRequest ? ++this.#requestsInARow > failuresInARow : this.#isAwayForGood(failure)) return undefined
    const mostMs = isRequest ? longestRequestWaitMs : longestGatewayWaitMs
    return backoffMs(this.#inARow, mostMs, failure.retryAfterMs)
  }

  #isAwayForGood({ retry }: Failure): boolean {
    if (retry === 'never') return true
    if (!this.#hasAnswered) return this.#inARow >= triesToConnect
    // since it went away, not since something last went right: a request may take longer than the patience
    this.#awaySince ??= this.#clock.now()
    return this.#clock.now() - this.#awaySince > this.#patience
  }
}
