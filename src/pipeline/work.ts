import { type Selector, selectorKey } from '../domain/datapoint.ts'
import type { Failure } from '../domain/failure.ts'
import type { Receipt } from '../domain/receipt.ts'
import { isUnknown } from '../inventory/datapoint-problems.ts'
import { askedText } from '../ledger/receipts.ts'
import {
  type Choice,
  giveBack,
  halvePiece,
  isDone,
  lengthLeft,
  type Order,
  type Piece,
  setAside,
  takePiece,
  triesOfPiece,
} from '../planning/backlog.ts'
import { everything, isLike, learntWidth, measureShare, widthOfAll } from '../planning/grouping.ts'
import { missingOf, planRun, rangesOf } from '../planning/plan.ts'
import { createWindows } from '../planning/window.ts'
import { canBeSent } from '../smartserver/log-query.ts'
import type { Decision } from './decide.ts'
import type { GatewayJob, RunParts } from './job.ts'

/** The newest requests of a gateway, by which it is judged how it is asked. */
const mostReceipts = 200

const otherEnd = { oldest: 'newest', newest: 'oldest', rescue: 'newest' } as const

const isFailed = (fate: Decision['piece']) => fate === 'set-aside' || fate === 'halve' || fate === 'park'

export type Work = ReturnType<typeof planWork>

/** The work of one gateway in one run: planned once, planned again where the grouping changes, and done piece by piece. */
export function planWork(job: GatewayJob, parts: RunParts, barred: readonly Selector[]) {
  const { sink, ledger, clock, observe } = parts
  const { source, requests } = job
  let gateway = {
    name: source.name,
    now: source.clock.now(),
    isOwnTime: source.hasOwnTime(),
    newestEntry: ledger.memory.newestEntryOf(source.name),
    selectors: job.selectors,
    unknown: unknownNow(),
    barred,
    retentionOf: source.retentionOf,
    requests,
    maturity: job.maturity,
  }
  const { turns } = job
  const options = {
    sink: sink.id,
    now: clock.now(),
    keptMs: job.keptMs,
    lastTurnOf: turns.lastOf,
    isApart: turns.isApart(clock.now()),
  }
  let plan = planRun(job.demand, gateway, ledger, options)
  const knownSick = rangesOf(plan.parked)
  const windows = createWindows(requests, group => ledger.memory.windowOf(source.name, group))
  const widthOf = (group: string) => ledger.memory.widthOf(source.name, group)
  const underWay = new Set<Piece>()
  const parkedNow: Piece[] = []
  let { backlog } = plan
  takeOver(turns.carried)
  observe({ gateway: source.name, kind: 'planned', lengthMs: lengthLeft(backlog) })

  function unknownNow(): readonly Selector[] {
    return source
      .problems()
      .filter(isUnknown)
      .map(({ selector }) => selector)
  }

  /** What failed in the last pass, as far as it is still missing, comes last again. */
  function takeOver(failed: readonly Piece[]): void {
    const isMissing = ({ selectors, range }: Piece) =>
      selectors.every(selector => missingOf(plan.backlog, selector).covers(range))
    backlog.setAside.push(...failed.filter(isMissing))
    if (backlog.setAside.length > 0) planAgain()
  }

  /** A clock that was set back is not ahead any more: what was planned by it may lie in the future (law 8). */
  function followClock(now: number): void {
    const wasSetBack = now < gateway.now
    if (!wasSetBack) return
    gateway = { ...gateway, now }
    const settled = (piece: Piece) => piece.range.until <= now - job.maturity.settle
    backlog = { ...backlog, setAside: backlog.setAside.filter(settled) }
    planAgain()
  }

  /** What was set aside is asked for as it was. */
  function planAgain(): void {
    const inHand = [...underWay, ...backlog.setAside, ...parkedNow]
    const isApart = turns.isApart(clock.now())
    plan = planRun(job.demand, gateway, ledger, { ...options, inHand, isApart })
    backlog = { ...plan.backlog, setAside: backlog.setAside }
  }

  function park(piece: Piece, failure: Failure): void {
    const { selectors, range, tries } = piece
    parkedNow.push(piece)
    ledger.parked.park(sink.id, { gateway: source.name, selectors, range }, failure, tries)
    observe({ gateway: source.name, kind: 'parked', piece, failure })
  }

  /** A request for all devices that need not be one. */
  function isOfAll({ group }: Piece): boolean {
    return group === everything && requests.per === 'auto' && widthOf(everything) !== 'always wide'
  }

  /** True: what is left is to be asked for in another grouping. */
  function learn(piece: Piece, receipt: Receipt): boolean {
    const learnt = learntWidth(piece, receipt, widthOf, canBeSent)
    if (learnt !== undefined) ledger.memory.rememberWidth(source.name, learnt.group, learnt.width)
    return learnt !== undefined
  }

  function learnOfAll({ selectors }: Piece): boolean {
    const { memory, receipts } = ledger
    const known = widthOf(everything)
    if (known === 'always wide') return false
    const share = measureShare(
      receipts.newest({ sink: sink.id, gateway: source.name }, mostReceipts),
      askedText(selectors),
    )
    if (share === undefined) return false
    const width = widthOfAll(share, known)
    if (width === known && isLike(share, memory.shareOf(source.name))) return false
    memory.rememberShare(source.name, share)
    if (width !== undefined && width !== known) memory.rememberWidth(source.name, everything, width)
    return width === 'narrow' || known === 'narrow'
  }

  const halvesOf = (piece: Piece) => halvePiece(piece, requests.shortest)

  /** Its tries are used up. */
  function giveUp(tried: Piece, fate: Decision['piece'], failure: Failure): void {
    windows.shrink(tried.group)
    const halves = fate === 'halve' ? halvesOf(tried) : undefined
    if (halves === undefined) park(tried, failure)
    // halves have one try each, or one bad minute would cost many requests; the smallest have all of theirs
    else
      for (const half of halves)
        setAside(backlog, { ...half, tries: halvesOf(half) === undefined ? 0 : triesOfPiece - 1 })
  }

  return {
    /** As planned last: a clock that was set back leaves less that has settled. */
    get plan() {
      return plan
    },
    windows,
    get isDone() {
      return isDone(backlog)
    },
    get leftMs() {
      return lengthLeft(backlog)
    },
    next({ fromOtherEnd }: { readonly fromOtherEnd: boolean }): Piece | undefined {
      const order: Order = fromOtherEnd ? otherEnd[requests.order] : requests.order
      const { isBacklogTurn } = turns
      const choice: Choice = { order, windowOf: windows.of, retentionOf: source.retentionOf, isBacklogTurn }
      const piece = takePiece(backlog, choice)
      if (piece === undefined) return undefined
      underWay.add(piece)
      turns.asked(piece)
      return piece
    },
    /** What failed of the history waits in the next pass too, or it would stand in the way of the rest there. */
    carryOver(): void {
      const { setAside: failed } = backlog
      turns.carried = failed.filter(({ isFresh, provisional }) => isFresh !== true && !provisional)
    },
    completed(piece: Piece, receipt: Receipt): void {
      underWay.delete(piece)
      if (requests.per !== 'auto') return
      if (isOfAll(piece)) turns.completedTogether()
      if (piece.group === everything ? learnOfAll(piece) : learn(piece, receipt)) planAgain()
    },
    followClock,
    /** What the gateway does not have under its configured name any more is not asked for. */
    namesRead(): void {
      const keys = new Set(unknownNow().map(selectorKey))
      const isKnown = ({ selectors }: Piece) => !selectors.some(selector => keys.has(selectorKey(selector)))
      gateway = { ...gateway, unknown: unknownNow() }
      backlog = { ...backlog, setAside: backlog.setAside.filter(isKnown) }
      planAgain()
    },
    canBeHalved: (piece: Piece) => halvesOf(piece) !== undefined,
    failed(piece: Piece, fate: Decision['piece'], failure: Failure): void {
      underWay.delete(piece)
      const tried = { ...piece, tries: piece.tries + 1 }
      if (isOfAll(piece) && isFailed(fate) && turns.failedTogether(clock.now())) planAgain()
      else if (fate === 'shorten') {
        const { entries = 1, reached = piece.range.until } = failure.work
        windows.tighten(piece.group, piece.range, { entries, reached })
        // it brings entries: nothing is wrong with it, and it is to be cut anew
        giveBack(backlog, { ...piece, isSuspect: false })
      } else if (fate === 'give-back') giveBack(backlog, piece)
      else if (fate === 'set-aside') setAside(backlog, tried)
      else giveUp(tried, fate, failure)
    },
    /** Where nothing else is left, what failed is sick through and through: it is parked instead of blaming the gateway. */
    parkTheRest(failure: Failure, hasCompletedAny: boolean): boolean {
      const { groups, setAside: rest } = backlog
      if (failure.reach !== 'request' || groups.size > 0 || rest.length === 0) return false
      if (!hasCompletedAny && !rest.every(({ range }) => knownSick.covers(range))) return false
      for (const piece of rest.splice(0)) park(piece, failure)
      return true
    },
  }
}
