import type { Selector } from '../domain/datapoint.ts'
import { rangeLength, type TimeRange } from '../domain/range.ts'
import type { Backlog } from './backlog.ts'

/** How long the gateway keeps what a selector logs, ms; undefined: not known. */
type RetentionOf = (selectors: readonly Selector[]) => number | undefined

/** Missing time, summed over datapoints, and from when to when it reaches. */
export interface MissingTime {
  readonly ms: number
  readonly datapoints: number
  readonly range: TimeRange
}

export interface Risk {
  /** Older than the gateway keeps: probably gone. */
  readonly pruned: MissingTime | undefined
  /** Will be older within a day; the last of it is pruned at `by`, ms by the gateway's clock. */
  readonly soon: (MissingTime & { readonly by: number }) | undefined
}

const dayMs = 86_400_000

/** What of the missing time the gateway has pruned, or will have within 24 hours. Of unknown retention nothing is said. */
export function riskOf(backlog: Backlog, retentionOf: RetentionOf, gatewayNow: number): Risk {
  const known = new Map<Selector, number | undefined>()
  const pruned = new Sum()
  const soon = new Sum()
  let by = 0
  for (const stretches of backlog.groups.values())
    for (const { range, selectors } of stretches)
      for (const selector of selectors) {
        if (!known.has(selector)) known.set(selector, retentionOf([selector]))
        const retention = known.get(selector)
        if (retention === undefined) continue
        const border = gatewayNow - retention
        pruned.add(selector, { after: range.after, until: Math.min(range.until, border) })
        const next = { after: Math.max(range.after, border), until: Math.min(range.until, border + dayMs) }
        if (soon.add(selector, next)) by = Math.max(by, next.until + retention)
      }
  const risky = soon.total
  return { pruned: pruned.total, soon: risky && { ...risky, by } }
}

/** The part of a range that the gateway still has, as far as is known; without length where nothing is left. */
export function storedPart(range: TimeRange, retention: number | undefined, gatewayNow: number): TimeRange {
  if (retention === undefined) return range
  return { after: Math.min(range.until, Math.max(range.after, gatewayNow - retention)), until: range.until }
}

class Sum {
  #ms = 0
  #after = Number.POSITIVE_INFINITY
  #until = Number.NEGATIVE_INFINITY
  readonly #selectors = new Set<Selector>()

  add(selector: Selector, range: TimeRange): boolean {
    const ms = rangeLength(range)
    if (ms <= 0) return false
    this.#ms += ms
    this.#after = Math.min(this.#after, range.after)
    this.#until = Math.max(this.#until, range.until)
    this.#selectors.add(selector)
    return true
  }

  get total(): MissingTime | undefined {
    if (this.#ms === 0) return undefined
    return { ms: this.#ms, datapoints: this.#selectors.size, range: { after: this.#after, until: this.#until } }
  }
}
