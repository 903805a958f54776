import { rangeLength, type TimeRange } from '../domain/range.ts'

/** How long the ranges of a group's requests may be. */
export interface WindowLimits {
  /** Entries that a request should bring. */
  readonly entries: number
  readonly shortest: number
  readonly longest: number
}

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

/** A request that has brought so many entries is cut off: its range was far too long for how dense the log has become. */
export function mostEntries({ range }: { range: TimeRange }, limits: WindowLimits): number {
  return rangeLength(range) > 2 * limits.shortest ? limits.entries * 4 : Number.POSITIVE_INFINITY
}

/** After a request that was cut off as too dense at the time `reached`: what would have brought the wanted entries. */
export function denseWindow(range: TimeRange, limits: WindowLimits, cut: { entries: number; reached: number }): number {
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
