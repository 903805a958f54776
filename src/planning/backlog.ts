import type { RequestsConfig } from '../config/config.ts'
import type { Selector } from '../domain/datapoint.ts'
import { halveRange, type RangeSet, rangeLength, type TimeRange } from '../domain/range.ts'

/** What one selector still lacks. */
export interface Missing {
  readonly selector: Selector
  readonly ranges: RangeSet
  /** The group that it is asked for with; undefined: its own. */
  readonly group?: string | undefined
}

/** Which end of the missing time comes first; `rescue`: what the gateway will prune first. */
export type Order = RequestsConfig['order']

/** Tries of a piece before it is halved, or parked at the shortest length. */
export const triesOfPiece = 3

/** A stretch of time that the same selectors of a group lack, all of it mature or all of it not. */
interface Stretch {
  readonly range: TimeRange
  readonly selectors: readonly [Selector, ...Selector[]]
  readonly provisional: boolean
  /** Failed tries so far. */
  readonly tries: number
}

/** One request to be: a stretch no longer than its group's window. */
export interface Piece extends Stretch {
  readonly group: string
  /** It, or what it is a half of, has failed before. */
  readonly isSuspect?: boolean
  /** The newest of its group, taken before the backlog. */
  readonly isFresh?: boolean
}

/** What is left to do on a gateway. Its size follows the number of gaps: requests are cut from it one at a time (law 6). */
export interface Backlog {
  /** Stretches of a group tile what it lacks, in the order of time. */
  readonly groups: Map<string, Stretch[]>
  /** Groups whose newest piece comes before everything else, in this order. */
  readonly newestFirst: Set<string>
  /** Older than what the gateway keeps: asked for all the same, after everything that can still be rescued. */
  readonly pruned: Map<string, Stretch[]>
  /** Pieces that have failed: they come last, so that what is sick is never in the way of what is not. */
  readonly setAside: Piece[]
}

interface BacklogOptions {
  readonly keyOf: (selector: Selector) => string
  readonly matureUntil: number
  /** Each group's newest piece first, whatever the order: a schedule keeps current while it catches up. */
  readonly newestFirst: boolean
  /** Of the newest pieces, the one whose group was asked for least lately comes first; undefined: never asked for. */
  readonly lastTurnOf?: ((group: string) => number | undefined) | undefined
  /** For the order `rescue`: what is not after this moment is pruned already, as far as is known, ms UTC. */
  readonly prunedUntil?: ((selectors: readonly Selector[]) => number | undefined) | undefined
}

export function createBacklog(work: readonly Missing[], options: BacklogOptions): Backlog {
  const members = Map.groupBy(
    work.filter(({ ranges }) => !ranges.isEmpty),
    ({ selector, group }) => group ?? options.keyOf(selector),
  )
  const groups = new Map<string, Stretch[]>()
  const pruned = new Map<string, Stretch[]>()
  for (const [key, missing] of members) {
    const prunedUntil = options.prunedUntil?.(missing.map(({ selector }) => selector)) ?? Number.NEGATIVE_INFINITY
    const [before, kept] = cutAt(stretchesOf(missing, options.matureUntil), prunedUntil)
    if (kept.length > 0) groups.set(key, kept)
    if (before.length > 0) pruned.set(key, before)
  }
  return { groups, newestFirst: new Set(options.newestFirst ? inTurn(groups, options) : []), pruned, setAside: [] }
}

/** Who waited longest comes first (law 16); after a start, whose newest data are oldest. */
function inTurn(groups: Backlog['groups'], { lastTurnOf }: BacklogOptions): string[] {
  return [...groups]
    .map(([key, stretches]) => ({ key, turn: lastTurnOf?.(key) ?? -1, since: stretches.at(-1)!.range.after }))
    .sort((a, b) => a.turn - b.turn || a.since - b.since)
    .map(({ key }) => key)
}

/** What ends by `ms`, and what begins there or later. */
function cutAt(stretches: readonly Stretch[], ms: number): [Stretch[], Stretch[]] {
  const part = (range: TimeRange) =>
    stretches.flatMap(stretch => {
      const after = Math.max(range.after, stretch.range.after)
      const until = Math.min(range.until, stretch.range.until)
      return after < until ? [{ ...stretch, range: { after, until } }] : []
    })
  return [part({ after: Number.NEGATIVE_INFINITY, until: ms }), part({ after: ms, until: Number.POSITIVE_INFINITY })]
}

export function isDone({ groups, pruned, setAside }: Backlog): boolean {
  return groups.size === 0 && pruned.size === 0 && setAside.length === 0
}

/** Milliseconds left, summed over selectors: asking for them one by one instead of together makes it no longer. */
export function lengthLeft(backlog: Backlog): number {
  let sum = 0
  for (const stretches of [...backlog.groups.values(), ...backlog.pruned.values(), backlog.setAside])
    for (const { range, selectors } of stretches) sum += rangeLength(range) * selectors.length
  return sum
}

/** What is known to be pruned soon goes before what is kept for a time unknown. */
const unknownRetentionMs = 100 * 366 * 86_400_000

export interface Choice {
  readonly order: Order
  readonly windowOf: (group: string) => number
  /** True: from the backlog, where there is one, although newest pieces are waiting. */
  readonly isBacklogTurn?: boolean | undefined
  /** How long the gateway keeps what a group logs, ms; undefined: unknown. For `rescue`. */
  readonly retentionOf?: (selectors: readonly Selector[]) => number | undefined
}

/** Cuts the next piece, no longer than its group's window; undefined when nothing is left. */
export function takePiece(backlog: Backlog, choice: Choice): Piece | undefined {
  if (backlog.groups.size === 0) admitPruned(backlog)
  if (choice.isBacklogTurn === true && backlog.newestFirst.size > 0) {
    const piece = takeHistory(backlog, choice)
    if (piece !== undefined) return piece
  }
  const fresh = backlog.newestFirst.values().next().value
  if (fresh !== undefined) {
    backlog.newestFirst.delete(fresh)
    return { ...cutPiece(backlog, fresh, choice, 'newest'), isFresh: true }
  }
  const group = nextGroup(backlog.groups, choice)
  if (group === undefined) return takeSetAside(backlog)
  return cutPiece(backlog, group, choice, choice.order === 'newest' ? 'newest' : 'oldest')
}

function admitPruned({ groups, pruned }: Backlog): void {
  for (const [key, stretches] of pruned) groups.set(key, [...stretches, ...(groups.get(key) ?? [])])
  pruned.clear()
}

/** While newest pieces wait: what is older than those, or has failed, or is pruned; undefined: there is none. */
function takeHistory(backlog: Backlog, choice: Choice): Piece | undefined {
  const { groups, newestFirst, pruned } = backlog
  const { order } = choice
  const hasHistory = ([group, stretches]: [string, Stretch[]]) =>
    !newestFirst.has(group) || stretches.length > 1 || rangeLength(stretches[0]!.range) > choice.windowOf(group) * 1.25
  if (![...groups].some(hasHistory)) {
    const failed = takeSetAside(backlog)
    if (failed !== undefined || pruned.size === 0) return failed
    admitPruned(backlog)
  }
  const history = [...groups].filter(hasHistory)
  // the newest end of a group whose newest piece is waiting is not history
  const current = order === 'newest' ? history.filter(([group]) => !newestFirst.has(group)) : []
  if (current.length > 0) return cutPiece(backlog, nextGroup(new Map(current), choice)!, choice, 'newest')
  const fromOldest: Choice = { ...choice, order: order === 'newest' ? 'oldest' : order }
  return cutPiece(backlog, nextGroup(new Map(history), fromOldest)!, choice, 'oldest')
}

/** No longer than the group's window, from one end of what it lacks. */
function cutPiece(
  { groups, newestFirst }: Backlog,
  group: string,
  { windowOf }: Choice,
  end: 'oldest' | 'newest',
): Piece {
  const fromOldest = end === 'oldest'
  const stretches = groups.get(group)!
  const stretch = (fromOldest ? stretches.shift() : stretches.pop())!
  const { after, until } = stretch.range
  const windowMs = windowOf(group)
  // a rest shorter than a quarter window is taken along: it is not worth a separate request
  if (until - after > windowMs * 1.25) {
    const cut = fromOldest ? after + windowMs : until - windowMs
    const first = { ...stretch, range: { after, until: cut } }
    const second = { ...stretch, range: { after: cut, until } }
    if (fromOldest) stretches.unshift(second)
    else stretches.push(first)
    return { ...(fromOldest ? first : second), group }
  }
  if (stretches.length === 0) {
    groups.delete(group)
    newestFirst.delete(group)
  }
  return { ...stretch, group }
}

/**
 * Where sick time meets well time comes first: the halves of a piece then close in on the border from both sides in a
 * few tries, instead of trying the inside of a long sick stretch again and again.
 */
function takeSetAside({ setAside }: Backlog): Piece | undefined {
  const borderOf = (group: string, ms: number) => `${ms} ${group}`
  const begins = new Set(setAside.map(({ group, range }) => borderOf(group, range.after)))
  const ends = new Set(setAside.map(({ group, range }) => borderOf(group, range.until)))
  const atBorder = setAside.findIndex(
    ({ group, range }) => !ends.has(borderOf(group, range.after)) || !begins.has(borderOf(group, range.until)),
  )
  return setAside.splice(Math.max(0, atBorder), 1)[0]
}

/** A piece that was not transferred, though nothing is wrong with it: back to where it was taken from. */
export function giveBack(backlog: Backlog, piece: Piece): void {
  if (piece.isSuspect === true) {
    backlog.setAside.unshift(piece)
    return
  }
  const { group, ...stretch } = piece
  const stretches = backlog.groups.get(group) ?? []
  const later = stretches.findIndex(({ range }) => range.after >= stretch.range.until)
  stretches.splice(later === -1 ? stretches.length : later, 0, stretch)
  backlog.groups.set(group, stretches)
}

/** A piece that failed: to be tried again after everything that has not. */
export function setAside(backlog: Backlog, piece: Piece): void {
  backlog.setAside.push({ ...piece, isSuspect: true })
}

/** The two halves of a piece that failed as a whole; undefined at the shortest length. */
export function halvePiece(piece: Piece, shortestMs: number): [Piece, Piece] | undefined {
  if (rangeLength(piece.range) < 2 * shortestMs) return undefined
  const [first, second] = halveRange(piece.range)
  return [
    { ...piece, range: first, tries: 0 },
    { ...piece, range: second, tries: 0 },
  ]
}

function nextGroup(groups: Backlog['groups'], { order, retentionOf }: Choice): string | undefined {
  let best: string | undefined
  let bestAt = Number.POSITIVE_INFINITY
  for (const [key, stretches] of groups) {
    const [first] = stretches
    const at =
      order === 'newest'
        ? -stretches.at(-1)!.range.until
        : first!.range.after + (order === 'rescue' ? (retentionOf?.(first!.selectors) ?? unknownRetentionMs) : 0)
    if (at < bestAt) {
      best = key
      bestAt = at
    }
  }
  return best
}

/** Sweeps over all borders: between two of them the same selectors are missing. */
function stretchesOf(missing: readonly Missing[], matureUntil: number): Stretch[] {
  const opens = new Map<number, Selector[]>()
  const closes = new Map<number, Selector[]>()
  for (const { selector, ranges } of missing)
    for (const { after, until } of ranges.ranges) {
      note(opens, after, selector)
      note(closes, until, selector)
    }
  const sorted = [...new Set([...opens.keys(), ...closes.keys(), matureUntil])].sort((a, b) => a - b)
  const active = new Set<Selector>()
  const stretches: Stretch[] = []
  for (const [i, after] of sorted.entries()) {
    for (const selector of closes.get(after) ?? []) active.delete(selector)
    for (const selector of opens.get(after) ?? []) active.add(selector)
    const until = sorted[i + 1]
    if (until === undefined || active.size === 0) continue
    const selectors = [...active] as [Selector, ...Selector[]]
    stretches.push({ range: { after, until }, selectors, provisional: until > matureUntil, tries: 0 })
  }
  return stretches
}

function note(at: Map<number, Selector[]>, ms: number, selector: Selector): void {
  const there = at.get(ms)
  if (there === undefined) at.set(ms, [selector])
  else there.push(selector)
}
