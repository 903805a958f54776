import type { Ledger } from '../ledger/ledger.ts'
import { wantedSince } from '../planning/demand.ts'
import type { ClockLook } from './clock-watch.ts'
import type { GatewayJob, RunParts } from './job.ts'

/**
 * Takes back what is proven of time that the gateway's clock went through again since the last recorded reading (law 14).
 * Returns the reading of now.
 */
export function heedClock(
  { source, clockWatch }: Pick<GatewayJob, 'source' | 'clockWatch'>,
  { ledger, observe }: Pick<RunParts, 'ledger' | 'observe'>,
): ClockLook {
  const look = clockWatch.look()
  const lived = clockWatch.livedUntil(look)
  const wasSetBack = clockWatch.isBehind(look)
  if (!ledger.coverage.heedClock(source.name, look.reading, lived)) return look
  clockWatch.recorded(look)
  const after = lived.ranges[0]?.after
  if (wasSetBack && after !== undefined) observe({ gateway: source.name, kind: 'clock-set-back', after })
  return look
}

/** Records from where on a schedule wants the log, where that has changed. */
export function rememberWanted({ source, demand }: Pick<GatewayJob, 'source' | 'demand'>, ledger: Ledger): void {
  if (demand.kind !== 'sync') return
  const before = ledger.memory.wantedOf(source.name)
  const wanted = wantedSince(source.clock.now(), demand.sinceMs, before)
  if (wanted.after === before?.after && wanted.sinceMs === before.sinceMs) return
  ledger.memory.rememberWanted(source.name, wanted)
}

/** Records what the gateway has said about its retention since the last time: `status` reports the risk from it. */
export function rememberRetention(
  { source, selectors }: Pick<GatewayJob, 'source' | 'selectors'>,
  ledger: Ledger,
): void {
  const at = source.retentionReadAt()
  if (at === undefined || ledger.memory.retentions(source.name)?.at === at) return
  const known = selectors.flatMap(selector => {
    const ms = source.retentionOf([selector])
    return ms === undefined ? [] : [[selector, ms] as const]
  })
  ledger.memory.noteRetentions(source.name, at, new Map(known))
}
