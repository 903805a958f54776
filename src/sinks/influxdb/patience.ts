import type { Logger } from 'pino'
import type { Clock } from '../../domain/clock.ts'

/** Waits for a database that is away or busy, however long it takes; says so once at the beginning and once at the end. */
export interface Patience {
  /** Longer each time until the database answers. Rejects with the signal's reason when it aborts. */
  wait(reason: string, afterMs: number | undefined, signal: AbortSignal): Promise<void>
  /** The database has answered. */
  answered(): void
}

const firstWaitMs = 500
const longestWaitMs = 60_000

export function openPatience(parts: { clock: Clock; log: Logger; label: string }): Patience {
  const { clock, log, label } = parts
  let awaySince: number | undefined
  let attempt = 0
  return {
    async wait(reason, afterMs, signal) {
      attempt++
      if (awaySince === undefined) {
        awaySince = clock.now()
        log.warn({ sink: label, reason }, 'waiting for the database')
      } else log.debug({ sink: label, reason, attempt }, 'still waiting for the database')
      const longest = Math.min(longestWaitMs, firstWaitMs * 2 ** Math.min(attempt - 1, 10))
      // Half of it at random: writers that failed together do not come back together.
      const ms = longest * (0.5 + Math.random() / 2)
      await clock.sleep(Math.max(ms, afterMs ?? 0), signal)
    },
    answered() {
      attempt = 0
      if (awaySince === undefined) return
      log.info({ sink: label, awayMs: clock.now() - awaySince }, 'the database is back')
      awaySince = undefined
    },
  }
}
