import type { Clock } from '../domain/clock.ts'
import { type Asked, askJson, memberOf, putJson } from './rest-json.ts'
import type { Update } from './updates.ts'

export interface CpuReading {
  /** Per cent of the gateway's CPU. */
  readonly percent: number
  /** When it was heard, by the host's clock. */
  readonly at: number
}

export interface CpuParts {
  readonly gateway: Asked
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** CPU updates follow event rates at once; without one after this long, publishing is off (protocol §6.1). */
const publishAfterMs = 5_000
/** How long the socket may be silent, and how often REST is asked meanwhile. */
const askEveryMs = 30_000

/**
 * The gateway's CPU, from the general socket and, while that is silent, from `/iap/storage` (protocol §4.1, §6.1). Asks
 * only while somebody wants to know; whatever goes wrong, there is just no reading.
 */
export class CpuMeter {
  readonly #parts: CpuParts
  #reading: CpuReading | undefined
  #askedAt = Number.NEGATIVE_INFINITY
  #hasAskedToPublish = false
  #isAnswering = true

  constructor(parts: CpuParts) {
    this.#parts = parts
  }

  /** The last reading, however old; undefined before the first. An old one has a new one asked for, for the next time. */
  current(): CpuReading | undefined {
    const now = this.#parts.clock.now()
    const heardAt = this.#reading?.at ?? Number.NEGATIVE_INFINITY
    const silentMs = now - Math.max(heardAt, this.#askedAt)
    // less than nothing: the clock was set back
    if (this.#isAnswering && (silentMs >= askEveryMs || silentMs < 0)) {
      this.#askedAt = now
      void this.#ask().catch(() => {})
    }
    return this.#reading
  }

  /** Hears an update of the general socket. */
  note(update: Update): void {
    if (update.kind === 'cpu') this.#take(only(update.percents))
    // no CPU update beside the event rate: turned on once, as the vendor's page does it
    else if (update.kind === 'events-per-second' && !this.#hasAskedToPublish) {
      this.#hasAskedToPublish = true
      void this.#publish().catch(() => {})
    }
  }

  async #ask(): Promise<void> {
    const { gateway, signal } = this.#parts
    const percents = memberOf(await askJson(gateway, '/iap/storage', signal), 'cpuUtilization')
    // releases before 4.1 have no such member: nothing is to be learnt from asking again
    if (percents === undefined) this.#isAnswering = false
    else this.#take(cpuUtilization(percents))
  }

  async #publish(): Promise<void> {
    const { clock, gateway, signal } = this.#parts
    const heardAt = this.#reading?.at
    await clock.sleep(publishAfterMs, signal)
    if (this.#reading?.at === heardAt) await putJson(gateway, '/iap/storage/publishes/true', undefined, signal)
  }

  #take(percent: number | undefined): void {
    if (percent !== undefined) this.#reading = { percent, at: this.#parts.clock.now() }
  }
}

/** `{"<name>":percent}` of `/iap/storage`. */
export function cpuUtilization(json: unknown): number | undefined {
  if (typeof json !== 'object' || json === null) return undefined
  return only(Object.fromEntries(Object.entries(json).filter(([, percent]) => Number.isFinite(percent))))
}

/** With several segment controllers it is not known whose CPU the log costs: the vendor's page reads a single one alone. */
function only(percents: Readonly<Record<string, number>>): number | undefined {
  const [percent, ...others] = Object.values(percents)
  return others.length === 0 ? percent : undefined
}
