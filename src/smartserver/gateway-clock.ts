import type { Clock } from '../domain/clock.ts'

/**
 * The gateway's own clock, as law 8 needs it, learnt from the `Date` header of its answers. A header has whole seconds,
 * so this clock is up to a second late: never early, which would ask for the future.
 */
export class GatewayClock {
  readonly #clock: Clock
  #offsetMs: number | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  readonly note = (date: string): void => {
    const shown = Date.parse(date)
    if (!Number.isNaN(shown)) this.#offsetMs = shown - this.#clock.now()
  }

  /** Gateway minus host in milliseconds; undefined until it has answered once. */
  get offsetMs(): number | undefined {
    return this.#offsetMs
  }

  now(): number {
    return this.#clock.now() + (this.#offsetMs ?? 0)
  }
}
