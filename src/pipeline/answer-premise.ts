import { type Selector, selectorKey } from '../domain/datapoint.ts'
import { rangeLength, type TimeRange } from '../domain/range.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Piece } from '../planning/backlog.ts'
import type { GatewayJob, Listing, RunEvent } from './job.ts'
import type { TransferProof } from './transfer.ts'

/** So many entries that should be there make an empty answer improbable. */
const improbableEntries = 5
const dayMs = 86_400_000
/** A gateway that logs on change lets expect nothing: its list is read again after this long of empty answers. */
const longestDoubtMs = 3_600_000

const settled = new WeakSet<Listing>()

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
  // a list says nothing of answers that came after it was read
  if (listing === undefined || settled.has(listing)) return 0
  settled.add(listing)
  const asked = new Set(selectors.map(selectorKey))
  const missing = ledger.names.settle(source.name, selector => {
    if (!asked.has(selectorKey(selector))) return undefined
    const has = listing.has(selector)
    return has === undefined ? undefined : has ? 'listed' : 'missing'
  })
  if (missing.length > 0) observe({ gateway: source.name, kind: 'names-missing', selectors: missing })
  return missing.length
}

/**
 * Names that were answered with nothing, where that is improbable or has gone unconfirmed for long: they are to be looked
 * up again. Empty: there is no doubt.
 */
export function doubtedNames(
  { source, selectors, demand }: Pick<GatewayJob, 'source' | 'selectors' | 'demand'>,
  ledger: Pick<Ledger, 'names'>,
  elapsed: number,
): Selector[] {
  const asked = new Set(selectors.map(selectorKey))
  const open = ledger.names.unconfirmed(source.name).filter(({ selector }) => asked.has(selectorKey(selector)))
  const all = open.map(({ selector }) => selector)
  // a run that ends for good leaves nothing unconfirmed
  if (demand.kind !== 'sync') return all
  const readAt = source.listing()?.readAt
  if (readAt === undefined || elapsed - readAt >= longestDoubtMs) return all
  const isImprobable = open.some(({ selector, ranges }) => {
    const perDay = source.expectedPerDay(selector)
    return perDay !== undefined && (perDay * ranges.length) / dayMs >= improbableEntries
  })
  return isImprobable ? all : []
}

/**
 * True where an answer is far from what the gateway's log rules let expect, or is to a name that is not listed, and the range was
 * never asked for before: it is to be asked for once more. What the gateway has pruned is rightly absent.
 */
export function doubtsAnswer(
  { selectors, range }: Piece,
  { receipt, counts, newestEntry }: TransferProof,
  { source }: Pick<GatewayJob, 'source'>,
  { coverage }: Pick<Ledger, 'coverage'>,
  sink: string,
): boolean {
  const keptMs = source.retentionOf(selectors)
  if (keptMs !== undefined && range.after < source.clock.now() - keptMs) return false
  const perDay = selectors.map(selector => source.expectedPerDay(selector))
  const inAll = perDay.reduce((sum, one) => (sum === undefined || one === undefined ? undefined : sum + one), 0)
  const received = receipt.received - receipt.outside
  const isWholePlausible = isPlausible({ received, newestEntry }, range, inAll)
  const place = { sink, gateway: source.name }
  const isEachPlausible = counts.every((its, i) =>
    isPlausible({ received: its.received, newestEntry: undefined }, range, perDay[i]),
  )
  // of a name that is not in the list nothing is known that an answer could be compared with
  const areListed = selectors.every(selector => source.listing()?.has(selector) !== false)
  if (areListed && isWholePlausible && isEachPlausible) return false
  const earlier = coverage.of(place, selectors)
  return !selectors.every(selector => earlier.get(selector)!.provisional.covers(range))
}

/** Fewer expected entries than this say nothing: values come and go. */
const enoughToJudge = 20

interface Answer {
  readonly received: number
  /** ms UTC; undefined: there was no entry. */
  readonly newestEntry: number | undefined
}

/**
 * False where an answer is far from what the datapoints log, `perDay`: less than half of it, or ended long before the end
 * of the range. Such an answer is provisional until a second one says the same (law 14).
 */
export function isPlausible({ received, newestEntry }: Answer, range: TimeRange, perDay: number | undefined): boolean {
  if (perDay === undefined) return true
  const expected = (ms: number) => (perDay * ms) / dayMs
  const whole = expected(rangeLength(range))
  if (whole < enoughToJudge) return true
  if (received * 2 < whole) return false
  return newestEntry === undefined || expected(range.until - newestEntry) < enoughToJudge
}
