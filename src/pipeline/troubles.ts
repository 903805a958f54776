import type { Clock } from '../domain/clock.ts'
import type { Failure } from '../domain/failure.ts'
import { backoffMs } from './backoff.ts'

/** Tries of a piece before it is halved, or parked at the shortest length. */
export const triesOfPiece = 3
/** Request failures in a row, over all pieces, after which the gateway itself is taken to be sick. */
const failuresInARow = 25
/** Tries to get through to a gateway that has not answered once in this run. */
const triesToConnect = 4
const longestRequestWaitMs = 10_000
const longestGatewayWaitMs = 60_000

/** What has gone wrong on one gateway since something last went right. */
export class Troubles {
  readonly #clock: Clock
  readonly #patience: number
  #inARow = 0
  #lastSuccess: number | undefined

  constructor(clock: Clock, patience: number) {
    this.#clock = clock
    this.#patience = patience
  }

  succeeded(): void {
    this.#inARow = 0
    this.#lastSuccess = this.#clock.now()
  }

  /** How long to wait before anything is asked again; undefined: the gateway is given up for this run. */
  waitAfter(failure: Failure): number | undefined {
    this.#inARow++
    if (this.#isHopeless(failure)) return undefined
    const mostMs = failure.reach === 'request' ? longestRequestWaitMs : longestGatewayWaitMs
    return backoffMs(this.#inARow, mostMs, failure.retryAfterMs)
  }

  #isHopeless(failure: Failure): boolean {
    if (this.#inARow > failuresInARow) return true
    if (failure.reach === 'request') return false
    if (failure.retry === 'never') return true
    if (this.#lastSuccess === undefined)
      return this.#inARow >= triesToConnect || (failure.retryAfterMs ?? 0) > longestGatewayWaitMs
    return this.#clock.now() - this.#lastSuccess > this.#patience
  }
}
