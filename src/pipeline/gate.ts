import type { Clock } from '../domain/clock.ts'
import type { Failure } from '../domain/failure.ts'

/** Why a request may not begin now. */
export interface WaitReason {
  readonly kind: 'pause' | 'rate-limit' | 'failed-request' | 'circuit-open' | 'cpu' | 'quiet-hours' | 'database'
  /** For people: `waiting for …`. */
  readonly text: string
  /** When it ends by the host's clock, ms UTC; undefined: not known. */
  readonly until: number | undefined
  /** What opened the circuit. */
  readonly failure?: Failure | undefined
}

/** Something that can make a request wait; undefined: the request may begin. */
export type Gate = () => WaitReason | undefined

/** Is given each new reason for a wait that is long enough to be worth a word, and undefined when the wait is over. */
export type TellWait = (reason: WaitReason | undefined) => void

/** A wait by the host's clock; a clock that is set back makes it no longer than it was meant to be. */
export function createRest(clock: Pick<Clock, 'now'>) {
  let until = Number.NEGATIVE_INFINITY
  let longest = 0
  return {
    start(ms: number): void {
      longest = ms
      until = clock.now() + ms
    },
    left(): number {
      const now = clock.now()
      until = Math.min(until, now + longest)
      return until - now
    },
  }
}
