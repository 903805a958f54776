import type { Logger } from 'pino'
import type { Clock } from '../domain/clock.ts'
import { CpuMeter, type CpuReading } from './cpu.ts'
import type { Gateway } from './gateway.ts'
import { createNotices, type Notices } from './notices.ts'
import type { Update } from './updates.ts'

export interface CompanionParts {
  readonly gateway: Gateway
  readonly clock: Clock
  readonly log: Logger
  /** False: no general socket; CPU and clock are then learnt by REST alone. */
  readonly generalSocket: boolean
}

/** A gateway's clock may differ so much before it is worth a word. */
const notableOffsetMs = 60_000

/**
 * Stays with a gateway while it is worked on: CPU, clock and notifications. An aid: whatever goes wrong with it is
 * logged, and never stops or delays the work. Started by the first `start`, stopped by `close`.
 */
export class Companion {
  readonly #parts: CompanionParts
  readonly #log: Logger
  readonly #cpu: CpuMeter
  readonly #notices: Notices
  readonly #stop = new AbortController()
  readonly #unread = new Map<string, number>()
  #work: Promise<unknown> | undefined
  #hasWarned = false
  #isLost = false

  constructor(parts: CompanionParts) {
    this.#parts = parts
    this.#log = parts.log.child({ gateway: parts.gateway.name })
    const { gateway, clock } = parts
    this.#cpu = new CpuMeter({ gateway, clock, signal: this.#stop.signal })
    this.#notices = createNotices({ log: this.#log, clock: parts.clock })
  }

  /** After a first answer of the gateway: an aid does not knock at closed doors. */
  start(): void {
    if (this.#stop.signal.aborted) return
    this.#work ??= this.#listen()
    this.#compareClocks()
  }

  cpu(): CpuReading | undefined {
    return this.#cpu.current()
  }

  notificationsSince(at: number): string[] {
    return this.#notices.since(at)
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.#work
    if (this.#unread.size > 0) this.#log.debug({ updates: Object.fromEntries(this.#unread) }, 'updates not understood')
    this.#unread.clear()
  }

  async #listen(): Promise<void> {
    const { gateway, generalSocket } = this.#parts
    if (!generalSocket) return
    const { signal } = this.#stop
    await gateway.keepGeneralSocket(
      {
        onOpen: async () => this.#cpu.opened(),
        onUpdate: update => {
          this.#isLost = false
          if ('reason' in update) this.#count(update.reason)
          else this.#note(update)
        },
        onTrouble: ({ code, message }, waitMs) => {
          this.#log[this.#isLost ? 'debug' : 'info']({ code, error: message, waitMs }, 'general socket lost')
          this.#isLost = true
          this.#cpu.lost()
        },
      },
      signal,
    )
  }

  #note(update: Update): void {
    this.#cpu.note(update)
    this.#notices.note(update)
    if (update.kind === 'time') this.#parts.gateway.clock.noteNotification(update.shown)
    else if (update.kind === 'unknown') this.#count(update.raw)
  }

  /** Bounded: a gateway that makes up actions must not fill the memory (law 6). */
  #count(what: string): void {
    if (this.#unread.has(what) || this.#unread.size < 100) this.#unread.set(what, (this.#unread.get(what) ?? 0) + 1)
  }

  #compareClocks(): void {
    const { offsetMs = 0 } = this.#parts.gateway.clock
    if (this.#hasWarned || Math.abs(offsetMs) < notableOffsetMs) return
    this.#hasWarned = true
    this.#log.warn({ offsetMs }, "the gateway's clock differs from this host's: set one of them right")
  }
}
