import type { Logger } from 'pino'
import { type Clock, clocksDisagreeMs } from '../domain/clock.ts'
import { CpuMeter, type CpuReading } from './cpu.ts'
import type { Gateway } from './gateway.ts'
import { createNotifications, type Notifications } from './notifications.ts'
import type { Update } from './updates.ts'

interface GatewayMonitorParts {
  readonly gateway: Gateway
  readonly clock: Clock
  readonly log: Logger
  /** False: no general socket; CPU and clock are then learnt by REST alone. */
  readonly generalSocket: boolean
}

/**
 * Watches CPU, clock and notifications of a gateway while requests are made of it. Its failures are logged, and never stop
 * or delay the requests. Started by the first `start`, stopped by `close`.
 */
export class GatewayMonitor {
  readonly #parts: GatewayMonitorParts
  readonly #log: Logger
  readonly #cpu: CpuMeter
  readonly #notifications: Notifications
  readonly #stop = new AbortController()
  readonly #unread = new Map<string, number>()
  #work: Promise<unknown> | undefined
  #hasWarned = false
  #isLost = false
  #deviceChangedAt: number | undefined

  constructor(parts: GatewayMonitorParts) {
    this.#parts = parts
    this.#log = parts.log.child({ gateway: parts.gateway.name })
    const { gateway, clock } = parts
    this.#cpu = new CpuMeter({ gateway, clock, signal: this.#stop.signal })
    this.#notifications = createNotifications({ log: this.#log, clock: parts.clock })
  }

  /** Called after the first answer of the gateway, so that one that is away is not asked twice. */
  start(): void {
    if (this.#stop.signal.aborted) return
    this.#work ??= this.#listen()
    this.#compareClocks()
  }

  cpu(): CpuReading | undefined {
    return this.#cpu.current()
  }

  notificationsSince(at: number): string[] {
    return this.#notifications.since(at)
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

  /** True if a device was added, changed or deleted after this, elapsed ms. */
  hasDeviceChangedSince(elapsed: number): boolean {
    return this.#deviceChangedAt !== undefined && this.#deviceChangedAt > elapsed
  }

  #note(update: Update): void {
    if (update.kind === 'device' || update.kind === 'device-deleted')
      this.#deviceChangedAt = this.#parts.clock.elapsed()
    this.#cpu.note(update)
    this.#notifications.note(update)
    if (update.kind === 'time') this.#parts.gateway.clock.noteNotification(update.shown)
    else if (update.kind === 'unknown') this.#count(update.raw)
  }

  /** Bounded: unknown actions must not fill the memory (law 6). */
  #count(what: string): void {
    if (this.#unread.has(what) || this.#unread.size < 100) this.#unread.set(what, (this.#unread.get(what) ?? 0) + 1)
  }

  #compareClocks(): void {
    const { offsetMs = 0 } = this.#parts.gateway.clock
    if (this.#hasWarned || Math.abs(offsetMs) < clocksDisagreeMs) return
    this.#hasWarned = true
    this.#log.warn({ offsetMs }, "the gateway's clock differs from this host's: set one of them right")
  }
}
