import { type Instant, isoText } from './instant.ts'

/** Where the range of a schedule began that reached back so far. */
export interface WantedSince {
  /** ms UTC by the gateway's clock */
  readonly after: number
  /** `sync.since` at that time, ms. */
  readonly sinceMs: number
}

/** `(after, until]` in integer milliseconds UTC: the gateway's own `utc>` and `utc<=` (law 1). */
export interface TimeRange {
  readonly after: number
  readonly until: number
}

/** Compares with all digits: 08:00:00.0000001 is after 08:00:00.000. */
export function rangeHolds(range: TimeRange, at: Instant): boolean {
  const { ms } = at
  if (ms <= range.after) return ms === range.after && at.nanos > 0
  return ms < range.until || (ms === range.until && at.nanos === 0)
}

/**
 * Whether an answer to this range may rightly bring the entry. A gateway that logs finer than ms may compare in ms: what it
 * logged within the last ms of a range then comes with that range alone. One that compares exactly brings it with the next
 * range, and writing it twice changes nothing (law 4).
 */
export function answerMayHold(range: TimeRange, at: Instant): boolean {
  return at.ms === range.until || rangeHolds(range, at)
}

export function rangeLength(range: TimeRange): number {
  return range.until - range.after
}

export function isSameRange(a: TimeRange, b: TimeRange): boolean {
  return a.after === b.after && a.until === b.until
}

/** The two halves of a range, tiling it. Throws on a range of 1 ms: it cannot be halved. */
export function halveRange(range: TimeRange): [TimeRange, TimeRange] {
  const middle = Math.floor((range.after + range.until) / 2)
  if (middle <= range.after || middle >= range.until) throw new RangeError('a range of 1 ms cannot be halved')
  return [
    { after: range.after, until: middle },
    { after: middle, until: range.until },
  ]
}

/**
 * A set of milliseconds, kept as ranges: sorted, disjoint, merged where they touch. Immutable.
 * Its size follows the number of gaps, not what was added (law 3).
 */
export class RangeSet {
  static readonly empty = new RangeSet([])
  readonly ranges: readonly TimeRange[]

  private constructor(ranges: readonly TimeRange[]) {
    this.ranges = ranges
  }

  /** Ranges in any order, overlapping or not; those without length are nothing. */
  static of(...ranges: readonly TimeRange[]): RangeSet {
    return RangeSet.from(ranges)
  }

  /** The same of a list of any length: arguments of a call are limited to some ten thousand. */
  static from(ranges: readonly TimeRange[]): RangeSet {
    const sorted = ranges.filter(r => r.until > r.after).sort((a, b) => a.after - b.after)
    const merged: TimeRange[] = []
    for (const next of sorted) {
      const last = merged.at(-1)
      if (last === undefined || next.after > last.until) merged.push({ after: next.after, until: next.until })
      else if (next.until > last.until) merged[merged.length - 1] = { after: last.after, until: next.until }
    }
    return merged.length === 0 ? RangeSet.empty : new RangeSet(merged)
  }

  get isEmpty(): boolean {
    return this.ranges.length === 0
  }

  /** Milliseconds held. */
  get length(): number {
    return this.ranges.reduce((sum, r) => sum + rangeLength(r), 0)
  }

  add(other: TimeRange | RangeSet): RangeSet {
    return RangeSet.from([...this.ranges, ...rangesOf(other)])
  }

  subtract(other: TimeRange | RangeSet): RangeSet {
    const holes = rangesOf(other)
    const kept: TimeRange[] = []
    let first = 0
    for (const range of this.ranges) {
      let { after } = range
      while (first < holes.length && holes[first]!.until <= after) first++
      for (let i = first; i < holes.length && holes[i]!.after < range.until; i++) {
        const hole = holes[i]!
        if (hole.after > after) kept.push({ after, until: hole.after })
        after = Math.max(after, hole.until)
      }
      if (after < range.until) kept.push({ after, until: range.until })
    }
    return RangeSet.from(kept)
  }

  intersect(other: TimeRange | RangeSet): RangeSet {
    return this.subtract(this.subtract(other))
  }

  /** What this set lacks inside `within`: with the ranges held there, it tiles `within`. */
  gaps(within: TimeRange): readonly TimeRange[] {
    return RangeSet.of(within).subtract(this).ranges
  }

  covers(range: TimeRange): boolean {
    return this.gaps(range).length === 0
  }
}

function rangesOf(value: TimeRange | RangeSet): readonly TimeRange[] {
  return value instanceof RangeSet ? value.ranges : value.until > value.after ? [value] : []
}

/** As in logs, dead letters and JSON. */
export function rangeJson({ after, until }: TimeRange) {
  return { after: isoText(after), until: isoText(until) }
}
