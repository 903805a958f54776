import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareInstants, type Instant } from '../../src/domain/instant.ts'
import { halveRange, RangeSet, rangeHolds, rangeLength, type TimeRange } from '../../src/domain/range.ts'
import { runs } from '../support/runs.ts'

/** The naive model: one flag a millisecond of (0, 64]; flag i stands for (i, i + 1]. */
const size = 64
const anyRange = fc
  .tuple(fc.integer({ min: 0, max: size }), fc.integer({ min: 0, max: size }))
  .map(([a, b]): TimeRange => ({ after: Math.min(a, b), until: Math.max(a, b) }))
const anyRanges = fc.array(anyRange, { maxLength: 12 })
const anySet = anyRanges.map(ranges => RangeSet.of(...ranges))

function bitsOf(ranges: readonly TimeRange[]): boolean[] {
  const bits = Array.from({ length: size }, () => false)
  for (const { after, until } of ranges) for (let i = after; i < until; i++) bits[i] = true
  return bits
}

function bits(set: RangeSet): boolean[] {
  return bitsOf(set.ranges)
}

/** The law of every set: sorted, none empty, and none touches the next. */
function expectProper(set: RangeSet): void {
  for (const [i, range] of set.ranges.entries()) {
    expect(range.until).toBeGreaterThan(range.after)
    if (i > 0) expect(range.after).toBeGreaterThan(set.ranges[i - 1]!.until)
  }
}

describe('a set of ranges', () => {
  it('holds what was put in, sorted, disjoint and merged where it touches, whatever the order', () => {
    fc.assert(
      fc.property(anyRanges, fc.infiniteStream(fc.nat()), (ranges, keys) => {
        const set = RangeSet.of(...ranges)
        expectProper(set)
        expect(bits(set)).toEqual(bitsOf(ranges))
        const shuffled = ranges
          .map(range => ({ range, key: keys.next().value as number }))
          .sort((a, b) => a.key - b.key)
          .map(({ range }) => range)
        expect(RangeSet.of(...shuffled).ranges).toEqual(set.ranges)
      }),
    )
  })

  it('adds, subtracts and intersects like a set of single milliseconds', () => {
    fc.assert(
      fc.property(anySet, anySet, (a, b) => {
        const [bitsA, bitsB] = [bits(a), bits(b)]
        for (const [set, expected] of [
          [a.add(b), bitsA.map((bit, i) => bit || bitsB[i]!)],
          [a.subtract(b), bitsA.map((bit, i) => bit && !bitsB[i])],
          [a.intersect(b), bitsA.map((bit, i) => bit && bitsB[i]!)],
        ] as const) {
          expectProper(set)
          expect(bits(set)).toEqual(expected)
        }
      }),
    )
  })

  it('takes a single range as it takes a set of one', () => {
    fc.assert(
      fc.property(anySet, anyRange, (set, range) => {
        const one = RangeSet.of(range)
        expect(set.add(range).ranges).toEqual(set.add(one).ranges)
        expect(set.subtract(range).ranges).toEqual(set.subtract(one).ranges)
        expect(set.intersect(range).ranges).toEqual(set.intersect(one).ranges)
      }),
    )
  })

  it('does not change when something is added or subtracted a second time', () => {
    fc.assert(
      fc.property(anySet, anySet, (a, b) => {
        expect(a.add(b).add(b).ranges).toEqual(a.add(b).ranges)
        expect(a.subtract(b).subtract(b).ranges).toEqual(a.subtract(b).ranges)
        expect(a.add(a).ranges).toEqual(a.ranges)
        expect(a.subtract(a).isEmpty).toBe(true)
      }),
    )
  })

  it('keeps its books: what was held plus what is new is what is held now', () => {
    fc.assert(
      fc.property(anySet, anySet, (a, b) => {
        expect(a.length).toBe(bits(a).filter(Boolean).length)
        expect(a.add(b).length).toBe(a.length + b.length - a.intersect(b).length)
        expect(a.subtract(b).length).toBe(a.length - a.intersect(b).length)
      }),
    )
  })

  it('tiles any range with its gaps: no overlap, no hole', () => {
    fc.assert(
      fc.property(anySet, anyRange, (set, within) => {
        const gaps = set.gaps(within)
        const held = set.intersect(within).ranges
        const tiles = [...gaps, ...held].sort((a, b) => a.after - b.after)
        let at = within.after
        for (const { after, until } of tiles) {
          expect(after).toBe(at)
          at = until
        }
        if (tiles.length > 0) expect(at).toBe(within.until)
        else expect(rangeLength(within)).toBe(0)
        expect(set.covers(within)).toBe(gaps.length === 0)
      }),
    )
  })

  it('is never changed by what is asked of it', () => {
    fc.assert(
      fc.property(anySet, anySet, anyRange, (a, b, within) => {
        const before = structuredClone(a.ranges)
        a.add(b)
        a.subtract(b)
        a.intersect(b)
        a.gaps(within)
        expect(a.ranges).toEqual(before)
      }),
    )
  })
})

describe('tiles', () => {
  const anyInstant: fc.Arbitrary<Instant> = fc.record({
    ms: fc.integer({ min: -1, max: size + 1 }),
    nanos: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 999_999 })),
  })
  const anyBorders = fc
    .uniqueArray(fc.integer({ min: 0, max: size }), { minLength: 2, maxLength: 20 })
    .map(borders => borders.sort((a, b) => a - b))

  it('hold every instant exactly once, with all its digits', () => {
    fc.assert(
      fc.property(anyBorders, anyInstant, (borders, at) => {
        const tiles = borders.slice(1).map((until, i) => ({ after: borders[i]!, until }))
        const [first, last] = [borders[0]!, borders.at(-1)!]
        const inside =
          compareInstants(at, { ms: first, nanos: 0 }) > 0 && compareInstants(at, { ms: last, nanos: 0 }) <= 0
        expect(tiles.filter(tile => rangeHolds(tile, at))).toHaveLength(inside ? 1 : 0)
        expect(rangeHolds({ after: first, until: last }, at)).toBe(inside)
      }),
      { numRuns: runs(500) },
    )
  })

  it('come of halving, until 1 ms is left', () => {
    fc.assert(
      fc.property(fc.integer({ min: -1e12, max: 1e13 }), fc.integer({ min: 2, max: 1e11 }), (after, length) => {
        const range = { after, until: after + length }
        const [first, second] = halveRange(range)
        expect([first.after, first.until, second.until]).toEqual([after, second.after, range.until])
        expect(Math.abs(rangeLength(first) - rangeLength(second))).toBeLessThanOrEqual(1)
        expect(Math.min(rangeLength(first), rangeLength(second))).toBeGreaterThan(0)
      }),
    )
    expect(() => halveRange({ after: 5, until: 6 })).toThrow(RangeError)
  })
})
