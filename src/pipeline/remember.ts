import type { Ledger } from '../ledger/ledger.ts'
import { clockSetBack } from '../planning/set-back.ts'
import type { GatewayJob } from './job.ts'

/**
 * Compares the gateway's clock with the last reading. Time that the gateway goes through once again is not complete,
 * whatever it was (law 8): returns the moment from which on it counts no more, undefined where nothing was taken back.
 */
export function takeBackAfterSetBack(
  gateway: string,
  reading: { readonly host: number; readonly gateway: number },
  ledger: Ledger,
): number | undefined {
  const after = clockSetBack(ledger.memory.clockOf(gateway), reading)
  if (after === undefined) return undefined
  return ledger.coverage.uncoverAfter(gateway, after, reading.gateway) ? after : undefined
}

/** Records what the gateway has said about its retention since the last time: `status` reports the risk from it. */
export function rememberRetention(
  { source, selectors }: Pick<GatewayJob, 'source' | 'selectors'>,
  ledger: Ledger,
): void {
  const at = source.toldAt()
  if (at === undefined || ledger.memory.retentions(source.name)?.at === at) return
  const known = selectors.flatMap(selector => {
    const ms = source.retentionOf([selector])
    return ms === undefined ? [] : [[selector, ms] as const]
  })
  ledger.memory.noteRetentions(source.name, at, new Map(known))
}
