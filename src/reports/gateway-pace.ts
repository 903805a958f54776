import type { Config, GatewayConfig } from '../config/config.ts'
import type { Selector } from '../domain/datapoint.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { measureSpeed } from '../planning/estimate.ts'
import { type Pace, paceOf } from '../planning/pace.ts'
import { createWindows } from '../planning/window.ts'

/** The newest requests say most about the next ones. */
const mostReceipts = 500

/**
 * How a schedule asks a gateway for these selectors, and whether it keeps up, by what the ledger knows of it. `sink`
 * undefined: nothing yet.
 */
export function gatewayPace(
  { requests, sync }: Pick<Config, 'requests' | 'sync'>,
  { name, limits }: GatewayConfig,
  selectors: readonly Selector[],
  { receipts, memory }: Pick<Ledger, 'receipts' | 'memory'>,
  sink = '',
): Pace {
  const speed = measureSpeed(receipts.newest({ sink, gateway: name }, mostReceipts))
  return paceOf({
    selectors,
    requests,
    sync,
    limits,
    requestMs: speed.requestMs,
    widthOf: group => memory.widthOf(name, group),
    share: memory.shareOf(name),
    windowOf: createWindows(requests, group => memory.windowOf(name, group)).of,
  })
}
