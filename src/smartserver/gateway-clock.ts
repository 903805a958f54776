import type { Clock } from '../domain/clock.ts'
import { parseTimestamp } from './timestamp.ts'

/** One look at the gateway's clock. The true offset is never below it: a shown time is cut, and old when it arrives. */
interface Sight {
  readonly offsetMs: number
  /** What the shown time is a multiple of. */
  readonly grainMs: number
}

/** An answer may take this long to arrive before its time is taken for another clock's. */
const delayMs = 1_000

/**
 * The gateway's own clock, as law 8 needs it: late by what it shows too coarsely and by the way here, never early, which
 * would ask for the future. Learnt from the `Date` header of its answers, from `NTF:TIME` and `/iap/cms/info/time`
 * (protocol §1, §6); the finest sight wins, until a coarser one shows that the clock was moved.
 */
export class GatewayClock {
  readonly #clock: Clock
  #sight: Sight | undefined
  #zone: string | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** A `Date` header. */
  readonly note = (date: string): void => this.#see(Date.parse(date), 1_000)

  /** `2023-11-30T09:15:00.000-08:00[America/Los_Angeles]`: how fine it is shows in its digits. */
  readonly noteTime = (shown: string): void => {
    this.#zone = /\[([^[\]]+)\]$/.exec(shown)?.[1] ?? this.#zone
    const at = parseTimestamp(shown)
    if (at !== undefined) this.#see(at.ms, at.ms % 60_000 === 0 ? 60_000 : at.ms % 1_000 === 0 ? 1_000 : 1)
  }

  /** The gateway's own time zone, as an IANA name; undefined where it has not told. */
  get zone(): string | undefined {
    return this.#zone
  }

  /** Gateway minus host in milliseconds; undefined until it has answered once. */
  get offsetMs(): number | undefined {
    return this.#sight?.offsetMs
  }

  now(): number {
    return this.#clock.now() + (this.#sight?.offsetMs ?? 0)
  }

  #see(shownMs: number, grainMs: number): void {
    if (Number.isNaN(shownMs)) return
    const sight = { offsetMs: shownMs - this.#clock.now(), grainMs }
    const known = this.#sight
    const contradicts =
      known !== undefined &&
      // no sight is early, so a larger one is the better; a much smaller one means a clock set back
      (sight.offsetMs > known.offsetMs || sight.offsetMs < known.offsetMs - grainMs - delayMs)
    if (known === undefined || grainMs <= known.grainMs || contradicts) this.#sight = sight
  }
}
