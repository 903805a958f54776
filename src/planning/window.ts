import type { RequestsConfig } from '../config/config.ts'
import { rangeLength, type TimeRange } from '../domain/range.ts'

/** How long the ranges of a group's requests may be, and how many entries each should bring. */
export type WindowLimits = Pick<RequestsConfig, 'entries' | 'shortest' | 'longest'>

/** A request that takes about this long neither wastes the cost of asking nor holds the gateway for long. */
const goodRequestMs = 10_000
/** Before anything is known of a group. */
const firstWindowMs = 86_400_000

export function firstWindow(limits: WindowLimits): number {
  return clamp(firstWindowMs, limits)
}

/** The next window after a request that reached `"end"`: towards the wanted entries and time, at most by a factor of two. */
export function adaptWindow(
  windowMs: number,
  limits: WindowLimits,
  done: { readonly range: TimeRange; readonly received: number; readonly tookMs: number },
): number {
  const lengthMs = rangeLength(done.range)
  // an empty answer says something about a whole window only
  if (done.received === 0) return lengthMs < windowMs ? windowMs : clamp(windowMs * 2, limits)
  const ideal = lengthMs * Math.min(limits.entries / done.received, goodRequestMs / Math.max(1, done.tookMs))
  return clamp(Math.min(windowMs * 2, Math.max(windowMs / 2, ideal)), limits)
}

/** When a request is cut off for what it has brought. */
export interface EntryLimit {
  readonly mostEntries: number
  /** The range was too long for how dense the log has become; false: it is as short as ranges may be. */
  readonly canBeShorter: boolean
}

export function entryLimit({ range }: { range: TimeRange }, { entries, shortest }: WindowLimits): EntryLimit {
  return rangeLength(range) > 2 * shortest
    ? { mostEntries: entries * 4, canBeShorter: true }
    : { mostEntries: entries * 20, canBeShorter: false }
}

/** After a request that was cut off as too dense at the time `reached`: what would have brought the wanted entries. */
function denseWindow(range: TimeRange, limits: WindowLimits, cut: { entries: number; reached: number }): number {
  const seenMs = Math.max(1, cut.reached - range.after)
  return clamp(Math.min(seenMs * (limits.entries / cut.entries), rangeLength(range) / 4), limits)
}

/** After a failed request: half. */
export function shrinkWindow(windowMs: number, limits: WindowLimits): number {
  return clamp(windowMs / 2, limits)
}

function clamp(windowMs: number, { shortest, longest }: WindowLimits): number {
  return Math.round(Math.min(longest, Math.max(shortest, windowMs)))
}

/** How long the next range of each group of a gateway may be: learnt as it goes. */
interface Windows {
  of(group: string): number
  /** After a complete request. The caller records the result together with what the request proves. */
  adapt(group: string, done: { readonly range: TimeRange; readonly received: number; readonly tookMs: number }): number
  /** After a failed request. */
  shrink(group: string): void
  /** After a request that was cut off because it brought too much. */
  tighten(group: string, range: TimeRange, cut: { readonly entries: number; readonly reached: number }): void
}

/** `remembered`: what the ledger knows of a group from earlier runs, ms. */
export function createWindows(limits: WindowLimits, remembered: (group: string) => number | undefined): Windows {
  const known = new Map<string, number>()
  const of = (group: string): number => {
    // the limits may have changed since it was remembered
    const ms = known.get(group) ?? clamp(remembered(group) ?? firstWindow(limits), limits)
    known.set(group, ms)
    return ms
  }
  return {
    of,
    adapt(group, done) {
      const ms = adaptWindow(of(group), limits, done)
      known.set(group, ms)
      return ms
    },
    shrink: group => void known.set(group, shrinkWindow(of(group), limits)),
    tighten: (group, range, cut) => void known.set(group, denseWindow(range, limits, cut)),
  }
}
