import type { Clock } from '../domain/clock.ts'
import type { Failure } from '../domain/failure.ts'
import { backoffMs } from './backoff.ts'

/** Tries of a piece before it is halved, or parked at the shortest length. */
export const triesOfPiece = 3
/** Request failures in a row, over all pieces, after which the gateway itself is taken to be sick. */
const failuresInARow = 40
/** The same of a gateway that was given up so in its last pass, and has answered no request since. */
const failuresOfTheSick = 4
/** Request failures in a row after which it is worth looking whether other time is as sick. */
const failuresAtOneEnd = 4
/** Tries to get through to a gateway that has not answered once in this pass. */
const triesToConnect = 4
const longestRequestWaitMs = 10_000
const longestGatewayWaitMs = 60_000

/** Until a moment of the host's clock, and why. */
export interface Hold {
  readonly until: number
  readonly by: Failure
}

/**
 * What has gone wrong on one gateway since something last went right: with single requests, and with all of it. Outlives
 * a pass: what a gateway has asked for, and that it was sick, holds for the next one too (law 7).
 */
export class Troubles {
  readonly #clock: Clock
  readonly #patience: number
  #inARow = 0
  #requestsInARow = 0
  #hasAnswered = false
  #wasSick = false
  #awaySince: number | undefined
  #hold: Hold | undefined

  constructor(clock: Clock, patience: number) {
    this.#clock = clock
    this.#patience = patience
  }

  beginPass(): void {
    this.#inARow = 0
    this.#requestsInARow = 0
    this.#hasAnswered = false
    this.#awaySince = undefined
  }

  /** It answers: nothing is known yet of its log. */
  connected(): void {
    this.#inARow = 0
    this.#hasAnswered = true
    this.#awaySince = undefined
  }

  /** A request was carried to its end. */
  succeeded(): void {
    this.connected()
    this.#requestsInARow = 0
    this.#wasSick = false
  }

  /** What keeps everybody from asking anything of the gateway now. */
  get held(): Hold | undefined {
    return this.#hold !== undefined && this.#hold.until > this.#clock.now() ? this.#hold : undefined
  }

  /** It was waited for: over, even where the host's clock was set back meanwhile. */
  lift(hold: Hold): void {
    if (this.#hold === hold) this.#hold = undefined
  }

  /** One request failed after the other: whether the gateway or just this stretch of time is sick, other time tells. */
  get wantsOtherEnd(): boolean {
    return this.#requestsInARow > 0 && this.#requestsInARow % (failuresAtOneEnd + 1) === failuresAtOneEnd
  }

  /** How long to wait before anything is asked again; undefined: the gateway is given up for this pass. */
  waitAfter(failure: Failure): number | undefined {
    // before the gateway has answered no range can be to blame
    const isRequest = failure.reach === 'request' && this.#hasAnswered
    this.#inARow++
    const mostMs = isRequest ? longestRequestWaitMs : longestGatewayWaitMs
    const waitMs = backoffMs(this.#inARow, mostMs, failure.retryAfterMs)
    if (!isRequest || failure.retryAfterMs !== undefined) {
      // every socket waits, not just the one that met it
      const until = this.#clock.now() + waitMs
      if (this.held === undefined || this.held.until < until) this.#hold = { until, by: failure }
    }
    if (!isRequest) return this.#isAwayForGood(failure) ? undefined : waitMs
    if (++this.#requestsInARow <= (this.#wasSick ? failuresOfTheSick : failuresInARow)) return waitMs
    this.#wasSick = true
    return undefined
  }

  #isAwayForGood({ retry }: Failure): boolean {
    if (retry === 'never') return true
    if (!this.#hasAnswered) return this.#inARow >= triesToConnect
    // since it went away, not since something last went right: a request may take longer than the patience
    this.#awaySince ??= this.#clock.now()
    return this.#clock.now() - this.#awaySince > this.#patience
  }
}
