import type { Clock } from '../domain/clock.ts'
import type { QuietHours } from '../domain/quiet-hours.ts'
import { quietUntil } from '../domain/quiet-hours.ts'
import type { Gate } from './gate.ts'

interface CpuGate {
  readonly clock: Clock
  /** The gateway's last reading: per cent, and when it was received. */
  readonly current: () => { readonly percent: number; readonly at: number } | undefined
  /** Per cent; undefined: never wait. */
  readonly pauseAbove: number | undefined
}

/** The CPU must come so far below the limit before requests go on; otherwise each request would bring on the next wait. */
const hysteresis = 10
/** An older reading says nothing: such a gateway is limited by its other gates alone. */
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
    // a reading from the future was taken before the clock was set back: its age is not known
    const ageMs = reading === undefined ? undefined : clock.now() - reading.at
    const isFresh = ageMs !== undefined && ageMs >= 0 && ageMs <= freshMs
    const percent = isFresh ? reading?.percent : undefined
    isWaiting = isTooBusy(percent, pauseAbove, isWaiting)
    if (!isWaiting) return undefined
    return { kind: 'cpu', text: `waiting for the gateway's CPU to come below ${pauseAbove} %`, until: undefined }
  }
}

/** By the gateway's clock. `zone` is read each time: the gateway's own is known only after the login. */
export function createQuietGate(
  quiet: QuietHours,
  clocks: { readonly host: Pick<Clock, 'now'>; readonly gateway: Pick<Clock, 'now'> },
  zone: () => string,
): Gate {
  return () => {
    const gatewayNow = clocks.gateway.now()
    const ends = quietUntil(gatewayNow, quiet, zone())
    if (ends === undefined) return undefined
    const until = clocks.host.now() + ends - gatewayNow
    return { kind: 'quiet-hours', text: 'waiting for the end of the quiet hours', until }
  }
}
