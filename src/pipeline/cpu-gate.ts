import type { Logger } from 'pino'
import type { Clock } from '../domain/clock.ts'

export interface CpuGate {
  readonly clock: Clock
  readonly log: Logger
  /** The gateway's last reading: per cent, and when it was heard. */
  readonly current: () => { readonly percent: number; readonly at: number } | undefined
  /** Per cent; undefined: never wait. */
  readonly pauseAbove: number | undefined
}

/** So far below the limit the CPU must come before requests go on: or each request would bring on the next pause. */
const hysteresis = 10
/** An older reading says nothing: such a gateway is paced by its other limits alone. */
const freshMs = 120_000
const lookAgainMs = 2_000

/** Whether data-log requests have to wait (law 7). `percent` is of a fresh reading, undefined where there is none. */
export function isTooBusy(percent: number | undefined, pauseAbove: number | undefined, isWaiting: boolean): boolean {
  if (percent === undefined || pauseAbove === undefined) return false
  // a limit of a few per cent keeps a band that can be reached
  return percent > (isWaiting ? Math.max(pauseAbove - hysteresis, pauseAbove / 2) : pauseAbove)
}

/** Returns what resolves when the gateway may be asked, and rejects when the signal aborts. */
export function createCpuGate({ clock, log, current, pauseAbove }: CpuGate): (signal: AbortSignal) => Promise<void> {
  let isWaiting = false
  return async signal => {
    for (;;) {
      const reading = current()
      const percent = reading !== undefined && clock.now() - reading.at <= freshMs ? reading.percent : undefined
      const mustWait = isTooBusy(percent, pauseAbove, isWaiting)
      if (mustWait !== isWaiting)
        log.info({ cpu: percent, pauseAboveCpu: pauseAbove }, mustWait ? 'waiting for the CPU' : 'going on')
      isWaiting = mustWait
      if (!mustWait) return
      await clock.sleep(lookAgainMs, signal)
    }
  }
}
