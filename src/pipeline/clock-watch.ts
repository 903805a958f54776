import type { Clock, ClockReading } from '../domain/clock.ts'
import { RangeSet } from '../domain/range.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { timeLived } from '../planning/clock-premise.ts'

/** A reading, with the elapsed time of this process at that moment. */
export interface ClockLook {
  readonly reading: ClockReading
  readonly elapsed: number
}

/**
 * Compares readings of a gateway's clock with the one that was recorded last (law 14). It lives as long as the process:
 * between two of its looks the elapsed time is known, however the clock of the host was set.
 */
export interface ClockWatch {
  look(): ClockLook
  /** What the gateway's clock went through since the last recorded reading; empty where none was ever recorded. */
  livedUntil(look: ClockLook): RangeSet
  /** True where the clock is behind the last recorded reading. */
  isBehind(look: ClockLook): boolean
  livedBetween(first: ClockLook, second: ClockLook): RangeSet
  /** The ledger holds this reading from now on. */
  recorded(look: ClockLook): void
}

export function createClockWatch(
  gateway: { readonly name: string; readonly clock: { now(): number } },
  { clock, ledger }: { readonly clock: Clock; readonly ledger: Pick<Ledger, 'memory'> },
): ClockWatch {
  let last: ClockLook | undefined
  const recordedReading = () => last?.reading ?? ledger.memory.clockOf(gateway.name)
  const livedBetween = (first: ClockLook, second: ClockLook) =>
    timeLived(first.reading, second.reading, second.elapsed - first.elapsed)
  return {
    look: () => ({ reading: { host: clock.now(), gateway: gateway.clock.now() }, elapsed: clock.elapsed() }),
    livedUntil(look) {
      if (last !== undefined) return livedBetween(last, look)
      const earlier = recordedReading()
      return earlier === undefined ? RangeSet.empty : timeLived(earlier, look.reading, undefined)
    },
    isBehind(look) {
      const earlier = recordedReading()
      return earlier !== undefined && look.reading.gateway < earlier.gateway
    },
    livedBetween,
    recorded(look) {
      last = look
    },
  }
}
