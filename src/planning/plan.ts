import type { RequestsConfig } from '../config/config.ts'
import type { Coverage, SinkGateway } from '../domain/coverage.ts'
import { type Selector, selectorKey } from '../domain/datapoint.ts'
import { RangeSet, type TimeRange, type WantedSince } from '../domain/range.ts'
import type { Share } from '../domain/receipt.ts'
import type { Width } from '../domain/request.ts'
import { type Backlog, createBacklog, type Missing, type Piece } from './backlog.ts'
import { type CoolingRanges, coolingRanges, countDistinct, isCooling, type Parked } from './cooling.ts'
import { type Demand, termsOf } from './demand.ts'
import { askedTogether, everything, groupOf } from './grouping.ts'
import { type Delays, maturityAt, missingRanges } from './missing.ts'

/** A gateway, as far as its work can be planned without asking it. */
export interface PlannedGateway {
  readonly name: string
  /** Its clock, ms UTC. */
  readonly now: number
  /** See `Clocks`; undefined where the gateway was not asked. */
  readonly isOwnTime?: boolean | undefined
  readonly newestEntry?: number | undefined
  /** What is configured. */
  readonly selectors: readonly Selector[]
  /** What of that the gateway does not list. */
  readonly unknown: readonly Selector[]
  /** What of it is not asked for, because its points were made by another rule than that of today. */
  readonly barred: readonly Selector[]
  /** How long the gateway keeps what these log, ms; for the order `rescue`. */
  readonly retentionOf?: ((selectors: readonly Selector[]) => number | undefined) | undefined
  readonly requests: Pick<RequestsConfig, 'per' | 'order'>
  readonly maturity: Delays
}

/** What planning reads of the ledger. */
export interface PlanLedger {
  readonly coverage: {
    of(place: SinkGateway, selectors: readonly Selector[]): ReadonlyMap<Selector, Coverage>
    hasContent(place: SinkGateway, selector: Selector): boolean
  }
  readonly parked: { of(place: SinkGateway, selector: Selector): readonly Parked[] }
  readonly memory: {
    widthOf(gateway: string, group: string): Width | undefined
    shareOf(gateway: string): Share | undefined
    wantedOf(gateway: string): WantedSince | undefined
  }
}

interface PlanOptions {
  readonly sink: string
  /** By the host's clock, ms UTC. */
  readonly now: number
  /** How long the database keeps points, ms; undefined: for ever. */
  readonly keptMs: number | undefined
  /** True: parked ranges that are cooling down are work too. */
  readonly withCooling?: boolean | undefined
  /** Pieces that are left out: under way, set aside or parked since the first plan. */
  readonly inHand?: readonly Piece[] | undefined
  /** True: a schedule asks for each device by itself, because requests for all of them failed. */
  readonly isApart?: boolean | undefined
  /** When a group was asked for last, as a number that grows; undefined: never. */
  readonly lastTurnOf?: ((group: string) => number | undefined) | undefined
}

interface RunPlan {
  /** What may be asked for. */
  readonly selectors: readonly Selector[]
  /** What is wanted and kept by the database. */
  readonly wanted: TimeRange
  /** Of that, what has settled; without length where nothing has. */
  readonly settled: TimeRange
  readonly backlog: Backlog
  /** Parked ranges from here on are part of the demand. */
  readonly parkedWithin: TimeRange
  /** Everything that is parked, whenever it was. */
  readonly parked: readonly Parked[]
  /** Part of the demand, but left alone for now because it has failed lately. */
  readonly cooling: CoolingRanges | undefined
}

/** Demand minus coverage, by the gateway's clock: the work of one gateway. For runs, `plan` and `status` alike. */
export function planRun(demand: Demand, gateway: PlannedGateway, ledger: PlanLedger, options: PlanOptions): RunPlan {
  const { name, maturity, requests } = gateway
  const { sink, now, keptMs, withCooling = false, inHand = [] } = options
  const oldest = keptMs === undefined ? Number.NEGATIVE_INFINITY : now - keptMs
  const terms = termsOf(demand, gateway.now, maturity, oldest, ledger.memory.wantedOf(name))
  const { wanted, parkedSince = wanted.after } = terms
  const coolingMs = withCooling ? 0 : terms.coolingMs
  const place = { sink, gateway: name }
  const { isOwnTime = true, newestEntry } = gateway
  const moments = maturityAt({ gateway: gateway.now, host: now, isOwnTime, newestEntry }, maturity)
  const selectors = askable(gateway, selector => ledger.coverage.hasContent(place, selector))
  const coverage = ledger.coverage.of(place, selectors)
  const allParked: Parked[] = []
  const widthOf = (group: string) => ledger.memory.widthOf(name, group)
  const work = selectors.map((selector): Missing => {
    const missing = missingRanges(wanted, coverage.get(selector)!, moments, terms.rereadMs)
    const parked = ledger.parked.of(place, selector)
    allParked.push(...parked)
    const without = rangesOf(inHand.filter(({ selectors: its }) => its.some(it => isSame(it, selector))))
    if (terms.isParkedOnly) return { selector, ranges: missing.intersect(rangesOf(parked)).subtract(without) }
    const cooling = rangesOf(parked.filter(it => isCooling(it, now, coolingMs)))
    const before =
      terms.parkedSince === undefined
        ? RangeSet.empty
        : rangesOf(parked).intersect({ after: terms.parkedSince, until: moments.settledUntil })
    return { selector, ranges: missing.add(before).subtract(cooling).subtract(without) }
  })
  const isTogether = demand.kind === 'sync' && requests.per === 'auto' && options.isApart !== true
  const parkedWithin = { after: Math.min(wanted.after, parkedSince), until: wanted.until }
  return {
    selectors,
    wanted,
    settled: {
      after: wanted.after,
      until: Math.max(wanted.after, Math.min(wanted.until, moments.settledUntil)),
    },
    backlog: createBacklog(
      isTogether ? splitWork(work, askedTogether(work, widthOf, ledger.memory.shareOf(name))) : work,
      {
        keyOf: selector => groupOf(selector, requests.per, widthOf),
        matureUntil: moments.matureUntil,
        newestFirst: terms.newestFirst,
        lastTurnOf: options.lastTurnOf,
        prunedUntil: requests.order === 'rescue' ? prunedUntil(gateway) : undefined,
      },
    ),
    parkedWithin,
    parked: allParked,
    cooling: coolingRanges(within(allParked, parkedWithin), now, coolingMs),
  }
}

/** Ranges within `together` are asked for in one request for the gateway, others device by device. */
function splitWork(work: readonly Missing[], together: RangeSet): Missing[] {
  return work.flatMap(({ selector, ranges }) => [
    { selector, ranges: ranges.intersect(together), group: everything },
    { selector, ranges: ranges.subtract(together) },
  ])
}

/** What the ledger says of a plan now: after a run, what became of it. */
export function stateOf(
  plan: Pick<RunPlan, 'selectors' | 'settled' | 'parkedWithin'>,
  place: SinkGateway,
  ledger: Pick<PlanLedger, 'coverage' | 'parked'>,
): {
  /** Ranges of the demand that are parked; one of several selectors is one. */
  readonly parked: number
  /** From where on the settled time is provisional; undefined: all of it is final. */
  readonly provisionalAfter: number | undefined
} {
  const { selectors, settled, parkedWithin } = plan
  const parked = selectors.flatMap(selector => ledger.parked.of(place, selector))
  const coverage = ledger.coverage.of(place, selectors)
  const firsts = [...coverage.values()].flatMap(({ provisional }) => provisional.intersect(settled).ranges.slice(0, 1))
  return {
    parked: countDistinct(within(parked, parkedWithin)),
    provisionalAfter: firsts.length === 0 ? undefined : Math.min(...firsts.map(({ after }) => after)),
  }
}

/** What a backlog holds of a selector, apart from what was set aside. */
export function missingOf({ groups, pruned }: Backlog, selector: Selector): RangeSet {
  const stretches = [...groups.values(), ...pruned.values()].flat()
  return rangesOf(stretches.filter(({ selectors }) => selectors.some(it => isSame(it, selector))))
}

export function rangesOf(pieces: readonly { readonly range: TimeRange }[]): RangeSet {
  return RangeSet.from(pieces.map(({ range }) => range))
}

/**
 * A gateway answers `"end"` to a name that it does not have as it does to an empty range: a range of that name would be
 * complete, and a misspelt name never be noticed. What has brought entries once is asked for whatever its list says.
 */
function askable(
  { selectors, unknown, barred }: PlannedGateway,
  isProven: (selector: Selector) => boolean,
): readonly Selector[] {
  const [missing, changed] = [unknown, barred].map(its => new Set(its.map(selectorKey)))
  return selectors.filter(selector => {
    const key = selectorKey(selector)
    return !changed!.has(key) && (!missing!.has(key) || isProven(selector))
  })
}

function prunedUntil({ now, retentionOf }: PlannedGateway) {
  return (selectors: readonly Selector[]) => {
    const retention = retentionOf?.(selectors)
    return retention === undefined ? undefined : now - retention
  }
}

function within(parked: readonly Parked[], { after, until }: TimeRange): Parked[] {
  return parked.filter(({ range }) => range.until > after && range.after < until)
}

function isSame(a: Selector, b: Selector): boolean {
  return a === b || selectorKey(a) === selectorKey(b)
}
