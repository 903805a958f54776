import type { Clock } from '../domain/clock.ts'
import { isoText } from '../domain/instant.ts'
import type { QuietHours } from '../domain/quiet-hours.ts'
import { quietUntil } from '../planning/quiet.ts'
import type { Outage } from '../sinks/sink.ts'

/** Why a gateway may not be asked now; `until` where it is known, ms UTC. */
export interface Hindrance {
  readonly doing: string
  readonly until: number | undefined
}

/** Says whether something stands against the next request. */
export type Gate = () => Hindrance | undefined

export function hindranceOf({ since, reason }: Outage): Hindrance {
  return { doing: `waiting for the database since ${isoText(since)}: ${reason}`, until: undefined }
}

const lookAgainMs = 2_000

/**
 * Resolves when no gate is closed any more, or at the deadline; rejects when the signal aborts. `tell` hears of each new
 * hindrance, and of its end as undefined.
 */
export async function passGates(
  gates: readonly Gate[],
  clock: Clock,
  tell: (hindrance: Hindrance | undefined) => void,
  deadline: number | undefined,
  signal: AbortSignal,
): Promise<void> {
  let told: string | undefined
  for (;;) {
    const hindrance = gates.map(gate => gate()).find(it => it !== undefined)
    if (hindrance?.doing !== told) {
      told = hindrance?.doing
      tell(hindrance)
    }
    if (hindrance === undefined || (deadline !== undefined && clock.now() >= deadline)) return
    await clock.sleep(lookAgainMs, signal)
  }
}

/** `zone` is asked each time: a gateway tells its own only after the first words with it. */
export function createQuietGate(quiet: QuietHours, now: () => number, zone: () => string): Gate {
  return () => {
    const until = quietUntil(now(), quiet, zone())
    return until === undefined ? undefined : { doing: 'waiting for the end of the quiet hours', until }
  }
}
