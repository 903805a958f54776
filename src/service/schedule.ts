import type { Clock } from '../domain/clock.ts'
import { isAbort } from '../domain/failure.ts'

/**
 * Does the work at once, and then every `everyMs`, counted from the first start; never two at a time: a turn that takes
 * longer skips the ones it has run into. Returns when the signal aborts; throws what a turn throws.
 */
export async function repeat(
  everyMs: number,
  clock: Clock,
  work: () => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const first = clock.now()
  try {
    for (;;) {
      await work()
      const now = clock.now()
      // a clock that was set back must not lead to a wait of years
      const late = Math.max(0, now - first) % everyMs
      await clock.sleep(everyMs - late, signal)
    }
  } catch (error) {
    if (!isAbort(error, signal)) throw error
  }
}
