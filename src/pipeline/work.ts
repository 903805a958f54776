import { type Selector, selectorKey } from '../domain/datapoint.ts'
import { RangeSet, type TimeRange } from '../domain/range.ts'
import type { Receipt } from '../domain/receipt.ts'
import { type DatapointProblem, isUnknown } from '../inventory/datapoint-problems.ts'
import type { Ledger, Width } from '../ledger/ledger.ts'
import type { ParkedRange } from '../ledger/parked.ts'
import {
  type Backlog,
  createBacklog,
  type Grouping,
  groupKey,
  joinGroups,
  narrowGroup,
  type Piece,
} from '../planning/backlog.ts'
import { maturityAt, missingRanges } from '../planning/missing.ts'
import { canBeSent } from '../smartserver/log-query.ts'
import type { GatewayJob } from './job.ts'
import { isResting } from './resting.ts'

/** Fewer entries than this say little about how much of a device's log is wanted. */
const enoughToJudge = 1_000

export type PlannedJob = Pick<GatewayJob, 'selectors' | 'requests' | 'maturity' | 'wish'> & {
  readonly source: Pick<GatewayJob['source'], 'name' | 'clock'> & Partial<Pick<GatewayJob['source'], 'retentionOf'>>
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
    const resting = parked.filter(it => isResting(it, now, wish.parkedRestMs))
    const { parkedSince } = wish
    const rested =
      parkedSince === undefined
        ? RangeSet.empty
        : rangesOf(parked).intersect({ after: parkedSince, until: moments.settledUntil })
    return { selector, ranges: missing.add(rested).subtract(rangesOf(resting)) }
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
export function parkedRanges({ source, selectors }: PlannedJob, sink: string, ledger: Ledger): ParkedRange[] {
  const place = { sink, gateway: source.name }
  return selectors.flatMap(selector => ledger.parked(place, selector))
}

/** How many ranges of the wanted time are parked; one of several selectors is one. */
export function countParked(job: PlannedJob, sink: string, ledger: Ledger): number {
  const wanted = job.wish.wanted(job.source.clock.now())
  const after = Math.min(wanted.after, job.wish.parkedSince ?? wanted.after)
  const inWanted = parkedRanges(job, sink, ledger).filter(
    ({ range }) => range.until > after && range.after < wanted.until,
  )
  return new Set(inWanted.map(({ range }) => `${range.after}/${range.until}`)).size
}

/** The wanted time as far as it has settled; without length where nothing has. */
export function settledRange({ source, maturity, wish }: PlannedJob): TimeRange {
  const now = source.clock.now()
  const { after, until } = wish.wanted(now)
  return { after, until: Math.max(after, Math.min(until, maturityAt(now, maturity).settledUntil)) }
}

/** From where on the wanted time is to be looked at once more. */
export function provisionalAfter(job: PlannedJob, sink: string, ledger: Ledger): number | undefined {
  const coverage = ledger.coverage({ sink, gateway: job.source.name }, job.selectors)
  const wanted = settledRange(job)
  const firsts = [...coverage.values()].flatMap(({ provisional }) => provisional.intersect(wanted).ranges.slice(0, 1))
  return firsts.length === 0 ? undefined : Math.min(...firsts.map(({ after }) => after))
}

export function rangesOf(parked: readonly ParkedRange[]): RangeSet {
  return RangeSet.from(parked.map(({ range }) => range))
}

/** `auto` begins with a device at a time, and goes by what was measured. */
function keyOf(selector: Selector, per: Grouping, gateway: string, ledger: Ledger): string {
  if (per !== 'auto') return groupKey(selector, per)
  if (ledger.widthOf(gateway, everything) === 'always wide') return groupKey(selector, 'gateway')
  const key = groupKey(selector, per)
  return ledger.widthOf(gateway, key) === 'narrow' ? selectorKey(selector) : key
}

/** The name under which it is remembered that a gateway ignores filters altogether. */
const everything = groupKey({}, 'gateway')

/**
 * With `auto`: if most of what a request brought was not asked for, the datapoints of its device are asked for one by
 * one from now on. If that brings as much that was not asked for, the gateway ignores the name of the datapoint, and one
 * request for all of the device is better for good. If it brings mostly other devices, the gateway ignores filters, and
 * one request for everything is.
 */
export function adaptWidth(backlog: Backlog, piece: Piece, receipt: Receipt, gateway: string, ledger: Ledger): void {
  if (receipt.received < enoughToJudge || receipt.outside * 2 <= receipt.received) return
  const [{ device }] = piece.selectors
  if (device === undefined || piece.group === everything) return
  // where no query can say its name, it may have gone without a filter: that tells nothing of the gateway
  if ('name' in device && !canBeSent(device.name)) return
  if (receipt.foreign * 2 > receipt.received) {
    ledger.rememberWidth(gateway, everything, 'always wide')
    joinGroups(backlog, everything, () => true)
    return
  }
  const together = selectorKey({ device })
  const known = ledger.widthOf(gateway, together)
  if (known === 'always wide') return
  const isWide = piece.group === together
  const next: Width = isWide ? 'narrow' : 'always wide'
  ledger.rememberWidth(gateway, together, next)
  if (isWide) narrowGroup(backlog, piece.group)
  else
    joinGroups(
      backlog,
      together,
      selector => selectorKey({ ...(selector.device && { device: selector.device }) }) === together,
    )
}
