import type { Logger } from 'pino'
import type { Clock } from '../domain/clock.ts'
import { selectorLabel } from '../domain/datapoint.ts'
import { isAbort, toFailure } from '../domain/failure.ts'
import { isoText } from '../domain/instant.ts'
import type { RangeCheck } from '../ledger/memory.ts'
import type { Metrics } from './metrics.ts'

interface VerificationParts {
  /** Counts one complete range of a gateway in the database; undefined: there is none to count. */
  readonly check: (gateway: string, signal: AbortSignal) => Promise<RangeCheck | undefined>
  /** What was found last, in an earlier process too. */
  readonly lastOf: (gateway: string) => RangeCheck | undefined
  readonly clock: Clock
  readonly log: Logger
  readonly metrics?: Metrics | undefined
}

export type DailyVerification = ReturnType<typeof createDailyVerification>

const dayMs = 86_400_000
/** A range that was not found whole is counted again, so that a repair is noticed. */
const againMs = 3_600_000

/**
 * The database is asked by `sync` itself whether it still holds what it has acknowledged: one range of each gateway a day.
 * Gateways take turns, so that it is never asked for two at once.
 */
export function createDailyVerification(gateways: readonly string[], parts: VerificationParts) {
  const { check, lastOf, clock, log, metrics } = parts
  const failed = new Set<string>()
  for (const gateway of gateways) metrics?.verified(gateway, lastOf(gateway))

  /** Also where the host's clock was set back since. */
  function isDue(gateway: string): boolean {
    const last = lastOf(gateway)
    if (last === undefined) return true
    const age = clock.now() - last.at
    return age < 0 || age >= (last.verdict === 'held' ? dayMs : againMs)
  }

  async function verify(gateway: string, signal: AbortSignal): Promise<void> {
    try {
      const result = await check(gateway, signal)
      failed.delete(gateway)
      if (result === undefined) return
      metrics?.verified(gateway, result)
      logCheck(gateway, result, log)
    } catch (error) {
      if (isAbort(error, signal)) throw error
      const failure = toFailure(error)
      if (failure.reach === 'run') throw failure
      if (failed.has(gateway)) return
      failed.add(gateway)
      const { code, message, advice } = failure
      log.warn({ gateway, code, error: message, advice }, 'the database cannot be verified now: tried again later')
    }
  }

  return {
    /** Verifies the gateways that are due. */
    async look(signal: AbortSignal): Promise<void> {
      for (const gateway of gateways) if (isDue(gateway)) await verify(gateway, signal)
    },
    /** False: of some gateway the last range was not found whole. */
    isHeld: (): boolean => gateways.every(gateway => (lastOf(gateway)?.verdict ?? 'held') === 'held'),
  }
}

function logCheck(gateway: string, { selector, range, proof, found, verdict }: RangeCheck, log: Logger): void {
  const times = { after: isoText(range.after), until: isoText(range.until) }
  const known = { gateway, datapoint: selectorLabel(selector), ...times, proof, found }
  if (verdict === 'held') log.info(known, 'verified: the database holds what it has acknowledged')
  else if (verdict === 'inconsistent')
    log.warn(known, 'the database counts fewer points than it gives one by one: look into its log, and run "verify"')
  else
    log.error(
      known,
      'THE DATABASE DOES NOT HOLD what it has acknowledged: run "verify" to see how much is missing, and "verify --heal" to fetch it again',
    )
}
