import type { Logger } from 'pino'
import type { Clock } from '../domain/clock.ts'
import { Failure } from '../domain/failure.ts'

const firstWaitMs = 1_000
const longestWaitMs = 60_000

/**
 * A daemon may well start before its database does: what may get better with time is waited for. Throws what cannot
 * (a login that is refused, a database that does not exist), and the signal's reason.
 */
export async function untilReady<Report>(
  check: (signal: AbortSignal) => Promise<Report>,
  { clock, log }: { readonly clock: Clock; readonly log: Logger },
  signal: AbortSignal,
): Promise<Report> {
  for (let waitMs = firstWaitMs; ; waitMs = Math.min(longestWaitMs, waitMs * 2)) {
    try {
      return await check(signal)
    } catch (error) {
      if (!(error instanceof Failure) || error.reach !== 'sink' || error.retry === 'never') throw error
      const { code, message, advice } = error
      log.warn({ code, error: message, advice, waitMs }, 'waiting for the database')
      await clock.sleep(waitMs, signal)
    }
  }
}
