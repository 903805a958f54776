import type { Clock } from '../domain/clock.ts'
import type { Gate } from './gates.ts'

export interface CpuGate {
  readonly clock: Clock
  /** The gateway's last reading: per cent, and when it was heard. */
  readonly current: () => { readonly percent: number; readonly at: number } | undefined
  /** Per cent; undefined: never wait. */
  readonly pauseAbove: number | undefined
}

/** So far below the limit the CPU must come before requests go on: or each request would bring on the next pause. */
const hysteresis = 10
/** An older reading says nothing: such a gateway is paced by its other limits alone. */
const freshMs = 120_000

/** Whether data-log requests have to wait (law 7). `percent` is of a fresh reading, undefined where there is none. */
export function isTooBusy(percent: number | undefined, pauseAbove: number | undefined, isWaiting: boolean): boolean {
  if (percent === undefined || pauseAbove === undefined) return false
  // a limit of a few per cent keeps a band that can be reached
  return percent > (isWaiting ? Math.max(pauseAbove - hysteresis, pauseAbove / 2) : pauseAbove)
}

export function createCpuGate({ clock, current, pauseAbove }: CpuGate): Gate {
  let isWaiting = false
  return () => {
    const reading = current()
    // one from the future was heard before the clock was set back: nobody knows how old it is
    const ageMs = reading === undefined ? undefined : clock.now() - reading.at
    const isFresh = ageMs !== undefined && ageMs >= 0 && ageMs <= freshMs
    const percent = isFresh ? reading?.percent : undefined
    isWaiting = isTooBusy(percent, pauseAbove, isWaiting)
    return isWaiting
      ? { doing: `waiting for the gateway's CPU to come below ${pauseAbove} %`, until: undefined }
      : undefined
  }
}
