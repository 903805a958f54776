import type { Clock } from '../domain/clock.ts'
import { parseTimestamp } from './timestamp.ts'

/** What one look at the gateway's clock says: gateway time less elapsed time lies between these, ms. */
interface Bounds {
  readonly least: number
  readonly most: number
}

/** What the answer to one request shows of the gateway's clock. */
export interface ClockLook {
  /** A `Date` header. */
  date(header: string): void
  /** `2023-11-30T09:15:00.000-08:00[America/Los_Angeles]`: how fine it is shows in its digits. */
  time(shown: string): void
}

/** A notification may have waited this long before it is read. */
const notificationDelayMs = 30_000

/**
 * The gateway's own clock, as law 8 needs it: late by what the gateway shows too coarsely and by the way of the answer,
 * never early, which would ask for the future. It is learnt from the `Date` header of answers, from `NTF:TIME` and from
 * `/iap/cms/info/time` (protocol §1, §6), and runs on by elapsed time: setting the host's clock does not move it.
 * Each look narrows the bounds; a look that contradicts them means that the gateway's clock was set.
 */
export class GatewayClock {
  readonly #clock: Clock
  #bounds: Bounds | undefined
  #zone: string | undefined
  #isOwnTime = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** To be called when a request is sent: what its answer shows was true between then and its arrival. */
  look(): ClockLook {
    const askedAt = this.#clock.elapsed()
    return {
      date: header => this.#see(Date.parse(header), 1_000, askedAt),
      time: shown => this.#seeTime(shown, askedAt),
    }
  }

  /** The time in a notification, which nothing asked for. */
  noteNotification(shown: string): void {
    this.#seeTime(shown, this.#clock.elapsed() - notificationDelayMs)
  }

  /** The gateway's own time zone, as an IANA name; undefined where it has not shown one. */
  get zone(): string | undefined {
    return this.#zone
  }

  /** True where the gateway has shown the time that it logs by; a `Date` header may be a proxy's. */
  get isOwnTime(): boolean {
    return this.#isOwnTime
  }

  /** Gateway minus host in milliseconds; undefined until it has answered once. */
  get offsetMs(): number | undefined {
    return this.#bounds === undefined ? undefined : this.now() - this.#clock.now()
  }

  /** Whole milliseconds (law 1); elapsed time has fractions. */
  now(): number {
    return this.#bounds === undefined ? this.#clock.now() : Math.floor(this.#clock.elapsed() + this.#bounds.least)
  }

  #seeTime(shown: string, askedAt: number): void {
    this.#zone = /\[([^[\]]+)\]$/.exec(shown)?.[1] ?? this.#zone
    const at = parseTimestamp(shown)
    if (at === undefined) return
    this.#isOwnTime = true
    this.#see(at.ms, at.ms % 60_000 === 0 ? 60_000 : at.ms % 1_000 === 0 ? 1_000 : 1, askedAt)
  }

  #see(shownMs: number, grainMs: number, askedAt: number): void {
    if (Number.isNaN(shownMs)) return
    const seen = { least: shownMs - this.#clock.elapsed(), most: shownMs + grainMs - askedAt }
    const known = this.#bounds ?? seen
    const least = Math.max(known.least, seen.least)
    const most = Math.min(known.most, seen.most)
    this.#bounds = least <= most ? { least, most } : seen
  }
}
