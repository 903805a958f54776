import { selectorKey } from '../domain/datapoint.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { GatewayJob, RunEvent } from './job.ts'

/** So many entries that should be there make an empty answer improbable. */
const improbableEntries = 5
const dayMs = 86_400_000
/** A gateway that logs on change lets expect nothing: its list is read again after this long of empty answers. */
const longestDoubtMs = 3_600_000

/**
 * Compares what rests on names with the list as last read (law 14). Returns how many selectors lost proof: their names are
 * not in the list, or their ids mean another device now.
 */
export function settleNames(
  { source, selectors }: Pick<GatewayJob, 'source' | 'selectors'>,
  ledger: Pick<Ledger, 'names'>,
  observe: (event: RunEvent) => void,
): number {
  const listing = source.listing()
  if (listing === undefined) return 0
  const asked = new Set(selectors.map(selectorKey))
  const missing = ledger.names.settle(source.name, selector => {
    if (!asked.has(selectorKey(selector))) return undefined
    return listing.has(selector) ? 'listed' : 'missing'
  })
  if (missing.length > 0) observe({ gateway: source.name, kind: 'names-missing', selectors: missing })
  return missing.length
}

/** True where answers without entries are improbable or have gone unconfirmed for long: the list is to be read again. */
export function doubtsNames(
  { source, selectors, demand }: Pick<GatewayJob, 'source' | 'selectors' | 'demand'>,
  ledger: Pick<Ledger, 'names'>,
  elapsed: number,
): boolean {
  const asked = new Set(selectors.map(selectorKey))
  const open = ledger.names.unconfirmed(source.name).filter(({ selector }) => asked.has(selectorKey(selector)))
  if (open.length === 0) return false
  // a run that ends for good leaves nothing unconfirmed
  if (demand.kind !== 'sync') return true
  const readAt = source.listing()?.readAt
  if (readAt === undefined || elapsed - readAt >= longestDoubtMs) return true
  return open.some(({ selector, ranges }) => {
    const perDay = source.expectedPerDay(selector)
    return perDay !== undefined && (perDay * ranges.length) / dayMs >= improbableEntries
  })
}
