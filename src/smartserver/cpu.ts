import type { Clock } from '../domain/clock.ts'
import { Failure } from '../domain/failure.ts'
import { type Asked, askJson, memberOf, putJson } from './rest-json.ts'
import type { Update } from './updates.ts'

export interface CpuReading {
  /** Per cent of the gateway's CPU. */
  readonly percent: number
  /** When it was heard, by the host's clock. */
  readonly at: number
}

interface CpuParts {
  readonly gateway: Asked
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** CPU updates follow event rates at once; without one after this long, publishing is off (protocol §6.1). */
const publishAfterMs = 5_000
/** Between two requests to publish, whatever became of the first. */
const publishEveryMs = 60_000
/** How long the socket may be silent, and how often REST is asked meanwhile. */
const askEveryMs = 30_000
/** A path that is refused, or is not what it should be, will hardly be another one soon. */
const refusedMs = 1_800_000

/**
 * The gateway's CPU, from the general socket and, while that is silent, from `/iap/storage` (protocol §4.1, §6.1). Asks
 * only while somebody wants to know; whatever goes wrong, there is just no reading.
 */
export class CpuMeter {
  readonly #parts: CpuParts
  #reading: CpuReading | undefined
  /** When the socket last brought it. */
  #heardAt = Number.NEGATIVE_INFINITY
  /** When somebody last wanted to know. */
  #wantedAt = Number.NEGATIVE_INFINITY
  #askAt = Number.NEGATIVE_INFINITY
  #publishedAt = Number.NEGATIVE_INFINITY
  #publishAt = Number.NEGATIVE_INFINITY
  #isWaiting = false
  #isAnswering = true

  constructor(parts: CpuParts) {
    this.#parts = parts
  }

  /** The last reading, however old; undefined before the first. An old one has a new one asked for, for the next time. */
  current(): CpuReading | undefined {
    const now = this.#parts.clock.now()
    if (now < this.#wantedAt) {
      // the clock was set back: what was heard and put off by it must not hold until it has caught up
      this.#reading = undefined
      this.#askAt = now
    }
    this.#wantedAt = now
    const heardAt = this.#reading?.at ?? Number.NEGATIVE_INFINITY
    if (this.#isAnswering && now >= Math.max(heardAt + askEveryMs, this.#askAt)) {
      this.#askAt = now + askEveryMs
      void this.#ask().catch(error => {
        this.#askAt = now + waitAfter(error, askEveryMs)
      })
    }
    return this.#reading
  }

  /** The general socket is open, perhaps to a gateway that has started anew and forgotten that it is to publish. */
  opened(): void {
    this.#publishAt = Math.min(this.#publishAt, this.#publishedAt + publishEveryMs)
  }

  /** The general socket is lost, and with it whatever it said: a gateway that has died must not seem busy. */
  lost(): void {
    this.#reading = undefined
    this.#askAt = Math.min(this.#askAt, this.#parts.clock.now())
  }

  /** Hears an update of the general socket. */
  note(update: Update): void {
    const now = this.#parts.clock.now()
    if (update.kind === 'cpu') {
      this.#heardAt = now
      this.#take(onlyPercent(update.percents))
      this.opened()
    } else if (update.kind === 'events-per-second' && !this.#isWaiting && now >= this.#publishAt) {
      this.#isWaiting = true
      void this.#publish()
        .catch(error => {
          this.#publishAt = this.#publishedAt + waitAfter(error, publishEveryMs)
        })
        .finally(() => {
          this.#isWaiting = false
        })
    }
  }

  async #ask(): Promise<void> {
    const { gateway, signal } = this.#parts
    const percents = memberOf(await askJson(gateway, '/iap/storage', signal), 'cpuUtilization')
    // releases before 4.1 have no such member: nothing is to be learnt from asking again
    if (percents === undefined) this.#isAnswering = false
    else this.#take(cpuUtilization(percents))
  }

  /** No CPU update beside the event rate: turned on as the vendor's page does it, and left alone if that changes nothing. */
  async #publish(): Promise<void> {
    const { clock, gateway, signal } = this.#parts
    const since = clock.now()
    await clock.sleep(publishAfterMs, signal)
    if (this.#heardAt >= since) return
    this.#publishedAt = clock.now()
    this.#publishAt = Number.POSITIVE_INFINITY
    await putJson(gateway, '/iap/storage/publishes/true', undefined, signal)
  }

  #take(percent: number | undefined): void {
    if (percent !== undefined) this.#reading = { percent, at: this.#parts.clock.now() }
  }
}

/** What may be better soon is asked for as before; the rest is hardly worth a try. */
function waitAfter(error: unknown, usualMs: number): number {
  if (!(error instanceof Failure)) return usualMs
  return Math.max(error.retryAfterMs ?? 0, error.retry === 'soon' ? usualMs : refusedMs)
}

/** `{"<name>":percent}` of `/iap/storage`. */
export function cpuUtilization(json: unknown): number | undefined {
  if (typeof json !== 'object' || json === null) return undefined
  return onlyPercent(Object.fromEntries(Object.entries(json).filter(([, percent]) => Number.isFinite(percent))))
}

/** With several segment controllers it is not known whose CPU the log costs: the vendor's page reads a single one alone. */
export function onlyPercent(percents: Readonly<Record<string, number>>): number | undefined {
  const [percent, ...others] = Object.values(percents)
  return others.length === 0 ? percent : undefined
}
