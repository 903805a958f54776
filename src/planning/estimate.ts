import type { GatewayLimits } from '../config/config.ts'
import type { Selector } from '../domain/datapoint.ts'
import { rangeLength, type TimeRange } from '../domain/range.ts'
import type { PastTransfer } from '../domain/receipt.ts'
import { type Backlog, takePiece } from './backlog.ts'

/** Entries a day of what one request asks for: all that it brings, and what of it is wanted. */
export interface Density {
  readonly received: number
  readonly wanted: number
  readonly bytesPerEntry: number
  /** From earlier requests, from the log rules of the gateway, or assumed. */
  readonly source: 'measured' | 'rules' | 'guessed'
}

/** What a gateway takes for a request and for each of its entries. */
export interface Speed {
  readonly requestMs: number
  readonly entriesPerSecond: number
  /** Earlier requests that it was measured by; 0: assumed. */
  readonly measuredBy: number
  /** Whether they were large enough to measure the rate too. */
  readonly isRateMeasured: boolean
}

/** A scalar entry on the wire (protocol §4.1: 380 to 450 bytes). */
export const usualBytes = 420
/** Of a datapoint that logs every update, or of which nothing is known. */
export const guessedPerDay = 288
/** Where there is no earlier request: what the gateway of `npm run bench` costs. */
export const assumedSpeed: Speed = { requestMs: 300, entriesPerSecond: 5_000, measuredBy: 0, isRateMeasured: false }

const dayMs = 86_400_000
/** Fewer requests say little; small ones alone do not show what each entry adds. */
const enoughRequests = 3
const enoughEntries = 5_000
/** Ranges that are together shorter than this say little about a day. */
const enoughMs = 3_600_000

/** Fits `time = requestMs + entries / entriesPerSecond` through earlier requests; what they do not show is assumed. */
export function measureSpeed(past: readonly PastTransfer[]): Speed {
  if (past.length < enoughRequests) return assumedSpeed
  const measuredBy = past.length
  const entries = past.map(({ receipt }) => receipt.received)
  const times = past.map(({ receipt }) => receipt.tookMs)
  const [meanEntries, meanTime] = [mean(entries), mean(times)]
  const spread = mean(entries.map(count => (count - meanEntries) ** 2))
  const common = mean(entries.map((count, i) => (count - meanEntries) * (times[i]! - meanTime)))
  const slope = spread > 0 ? common / spread : 0
  const isRateMeasured = Math.max(...entries) >= enoughEntries
  if (!isRateMeasured) {
    const assumedMs = (meanEntries / assumedSpeed.entriesPerSecond) * 1000
    return { ...assumedSpeed, requestMs: Math.max(0, meanTime - assumedMs), measuredBy }
  }
  const requestMs = meanTime - slope * meanEntries
  // requests of one size, or times that follow something else: all of it is put down to the entries
  if (slope <= 0 || requestMs < 0)
    return { requestMs: 0, entriesPerSecond: (meanEntries / Math.max(1, meanTime)) * 1000, measuredBy, isRateMeasured }
  return { requestMs, entriesPerSecond: 1000 / slope, measuredBy, isRateMeasured }
}

/**
 * Density by what was asked. What is older than the first entry that ever came is left out: it was pruned, or not logged
 * yet. What has never brought anything is not in the answer.
 */
export function measureDensity(past: readonly PastTransfer[]): ReadonlyMap<string, Density> {
  const measured = new Map<string, Density>()
  for (const [asked, requests] of Map.groupBy(past, request => request.asked)) {
    const first = requests.reduce(
      (least, { range, receipt }) => (receipt.received > 0 ? Math.min(least, range.after) : least),
      Number.POSITIVE_INFINITY,
    )
    let [ms, received, outside, bytes] = [0, 0, 0, 0]
    for (const { range, receipt } of requests) {
      if (range.after < first) continue
      ms += rangeLength(range)
      received += receipt.received
      outside += receipt.outside
      bytes += receipt.bytes
    }
    if (ms < enoughMs) continue
    measured.set(asked, {
      received: (received / ms) * dayMs,
      wanted: ((received - outside) / ms) * dayMs,
      bytesPerEntry: bytes / received,
      source: 'measured',
    })
  }
  return measured
}

/** From the start of one request to the start of the next, seen over many of them. */
export function turnMs(requestMs: number, limits: RequestLimits): number {
  return Math.max(60_000 / limits.requestsPerMinute, (requestMs + limits.pause) / limits.sockets)
}

export type RequestLimits = Pick<GatewayLimits, 'sockets' | 'pause' | 'requestsPerMinute'>

export interface EstimateParts {
  readonly densityOf: (selectors: readonly Selector[]) => Density
  /** The part of a range that the gateway still has. */
  readonly storedPart: (selectors: readonly Selector[], range: TimeRange) => TimeRange
  readonly speed: Speed
  readonly limits: RequestLimits
  readonly order: 'oldest' | 'newest'
  /** How long a group's next range may be, and what it learns from each. */
  readonly windowOf: (group: string) => number
  readonly learn: (group: string, range: TimeRange, done: { received: number; tookMs: number }) => void
  /** No more requests than these are counted. */
  readonly mostRequests: number
}

export interface Estimate {
  readonly requests: number
  /** True: there are more requests, and more time, than are counted here. */
  readonly isCutShort: boolean
  /** Wanted entries. */
  readonly entries: number
  /** Entries on the wire, with those that were not asked for. */
  readonly received: number
  readonly bytes: number
  readonly tookMs: number
}

/** Cuts a backlog into the requests of a run, and uses it up. Entries and bytes are of all of it, however many are counted. */
export function estimate(backlog: Backlog, parts: EstimateParts): Estimate {
  const known = new Map<readonly Selector[], Density>()
  const bringsOf = (selectors: readonly Selector[], range: TimeRange) => {
    let density = known.get(selectors)
    if (density === undefined) {
      density = parts.densityOf(selectors)
      known.set(selectors, density)
    }
    const days = Math.max(0, rangeLength(parts.storedPart(selectors, range))) / dayMs
    const received = density.received * days
    return { received, entries: density.wanted * days, bytes: received * density.bytesPerEntry }
  }
  const sum = { entries: 0, received: 0, bytes: 0 }
  for (const stretches of backlog.groups.values())
    for (const { selectors, range } of stretches) {
      const brings = bringsOf(selectors, range)
      sum.entries += brings.entries
      sum.received += brings.received
      sum.bytes += brings.bytes
    }
  let [requests, tookMs] = [0, 0]
  for (; requests < parts.mostRequests; requests++) {
    const piece = takePiece(backlog, parts)
    if (piece === undefined) return { ...sum, requests, tookMs, isCutShort: false }
    const { received } = bringsOf(piece.selectors, piece.range)
    const requestMs = parts.speed.requestMs + (received / parts.speed.entriesPerSecond) * 1000
    parts.learn(piece.group, piece.range, { received, tookMs: requestMs })
    tookMs += turnMs(requestMs, parts.limits)
  }
  return { ...sum, requests, tookMs, isCutShort: backlog.groups.size > 0 }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
