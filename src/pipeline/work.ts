import { type Selector, selectorKey } from '../domain/datapoint.ts'
import { RangeSet } from '../domain/range.ts'
import type { Receipt } from '../domain/receipt.ts'
import type { Ledger, ParkedRange, Width } from '../ledger/ledger.ts'
import { type Backlog, createBacklog, type Grouping, groupKey, narrowGroup, type Piece } from '../planning/backlog.ts'
import { maturityAt, missingRanges } from '../planning/missing.ts'
import { type DatapointProblem, isUnknown } from '../smartserver/datapoint-problems.ts'
import type { GatewayJob } from './job.ts'

/** Fewer entries than this say little about how much of a device's log is wanted. */
const enoughToJudge = 1_000

export type PlannedJob = Pick<GatewayJob, 'selectors' | 'requests' | 'maturity' | 'wish'> & {
  readonly source: Pick<GatewayJob['source'], 'name' | 'clock' | 'retentionOf'>
}

/** Wanted minus covered, by the gateway's clock: the work of one gateway, with `now` the host's time for parked ranges. */
export function planWork(job: PlannedJob, sink: string, ledger: Ledger, now: number): Backlog {
  const { source, selectors, maturity, wish, requests } = job
  const place = { sink, gateway: source.name }
  const gatewayNow = source.clock.now()
  const moments = maturityAt(gatewayNow, maturity)
  const wanted = wish.wanted(gatewayNow)
  const coverage = ledger.coverage(place, selectors)
  const work = selectors.map(selector => {
    const missing = missingRanges(wanted, coverage.get(selector)!, moments, wish.secondLookMs)
    const parked = ledger.parked(place, selector)
    if (wish.parkedOnly === true) return { selector, ranges: missing.intersect(rangesOf(parked)) }
    return { selector, ranges: missing.subtract(rangesOf(parked.filter(({ at }) => now - at < wish.parkedRestMs))) }
  })
  return createBacklog(work, {
    keyOf: selector => keyOf(selector, requests.per, source.name, ledger),
    matureUntil: moments.matureUntil,
    newestFirst: wish.newestFirst,
    ...(requests.order === 'rescue' ? { prunedUntil: prunedUntil(source, gatewayNow) } : {}),
  })
}

/**
 * What of the job may be asked for. A gateway answers `"end"` to a name that it does not have as it does to an empty
 * range: a range of that name would be complete, and a misspelt name never be noticed. What has brought entries once is
 * asked for whatever the gateway's list says.
 */
export function askable(
  selectors: readonly Selector[],
  problems: readonly DatapointProblem[],
  isProven: (selector: Selector) => boolean,
): readonly Selector[] {
  const unknown = new Set(problems.filter(isUnknown).map(({ selector }) => selectorKey(selector)))
  return selectors.filter(selector => !unknown.has(selectorKey(selector)) || isProven(selector))
}

function prunedUntil({ retentionOf }: PlannedJob['source'], gatewayNow: number) {
  return (selectors: readonly Selector[]) => {
    const retention = retentionOf?.(selectors)
    return retention === undefined ? undefined : gatewayNow - retention
  }
}

/** Everything that is parked on a gateway, whichever of its selectors it is about. */
export function parkedRanges({ source, selectors }: PlannedJob, sink: string, ledger: Ledger): RangeSet {
  const place = { sink, gateway: source.name }
  return rangesOf(selectors.flatMap(selector => ledger.parked(place, selector)))
}

function rangesOf(parked: readonly ParkedRange[]): RangeSet {
  return RangeSet.from(parked.map(({ range }) => range))
}

/** `auto` begins with a device at a time, and goes by what was measured. */
function keyOf(selector: Selector, per: Grouping, gateway: string, ledger: Ledger): string {
  const key = groupKey(selector, per)
  return per === 'auto' && ledger.widthOf(gateway, key) === 'narrow' ? selectorKey(selector) : key
}

/**
 * With `auto`: if most of what a request brought was not asked for, the datapoints of its device are asked for one by
 * one from now on. If that brings as much that was not asked for, the gateway ignores the filter, and one request for
 * all of them is better for good.
 */
export function adaptWidth(backlog: Backlog, piece: Piece, receipt: Receipt, gateway: string, ledger: Ledger): void {
  if (receipt.received < enoughToJudge || receipt.outside * 2 <= receipt.received) return
  const [{ device }] = piece.selectors
  if (device === undefined) return
  const together = selectorKey({ device })
  const known = ledger.widthOf(gateway, together)
  if (known === 'always wide') return
  const isWide = piece.group === together
  const next: Width = isWide ? 'narrow' : 'always wide'
  ledger.rememberWidth(gateway, together, next)
  if (isWide) narrowGroup(backlog, piece.group)
}
