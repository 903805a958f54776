import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Coverage, noCoverage } from '../../src/domain/coverage.ts'
import { type Selector, selectorKey } from '../../src/domain/datapoint.ts'
import { RangeSet, rangeLength, type TimeRange } from '../../src/domain/range.ts'
import {
  createBacklog,
  giveBack,
  halvePiece,
  isDone,
  lengthLeft,
  type Missing,
  type Order,
  type Piece,
  setAside,
  takePiece,
} from '../../src/planning/backlog.ts'
import { type Grouping, groupKey } from '../../src/planning/grouping.ts'
import { maturityAt, missingRanges } from '../../src/planning/missing.ts'
import { runs } from '../support/runs.ts'

/** Both clocks show the same time. */
const agreed = (now: number) => ({ gateway: now, host: now, isOwnTime: true, newestEntry: undefined })

const horizon = 2_000
const anyRange = fc
  .tuple(fc.integer({ min: 0, max: horizon }), fc.integer({ min: 1, max: horizon / 2 }))
  .map(([after, length]): TimeRange => ({ after, until: after + length }))
const anySet = fc.array(anyRange, { maxLength: 5 }).map(ranges => RangeSet.of(...ranges))

const selectors: Selector[] = ['A', 'B', 'C'].flatMap(name =>
  [0, 1].map(index => ({ device: { name }, block: 'Lamp', index, point: { xif: 'nvoValue' } })),
)
const anyWork: fc.Arbitrary<Missing[]> = fc
  .tuple(...selectors.map(() => anySet))
  .map(sets => sets.map((ranges, i) => ({ selector: selectors[i]!, ranges })))
const anyGrouping = fc.constantFrom<Grouping>('datapoint', 'device', 'gateway')
const anyOrder = fc.constantFrom<Order>('oldest', 'newest', 'rescue')

/** What a run does with a piece, drawn by chance: does it, gives it back, or halves it. */
type Fate = 'done' | 'back' | 'aside' | 'halve'
const anyFates = fc.infiniteStream(fc.constantFrom<Fate>('done', 'done', 'back', 'aside', 'halve'))
const anyWindows = fc.infiniteStream(fc.integer({ min: 1, max: horizon }))

describe('pieces cut from a backlog', () => {
  it('tile exactly what each datapoint lacks, nothing twice, whatever fails, is halved and comes again', () => {
    fc.assert(
      fc.property(
        fc.record({
          work: anyWork,
          per: anyGrouping,
          order: anyOrder,
          matureUntil: fc.integer({ min: -10, max: 2 * horizon }),
          prunedUntil: fc.option(fc.integer({ min: 0, max: horizon }), { nil: undefined }),
          shortest: fc.integer({ min: 1, max: 50 }),
          inHand: fc.integer({ min: 1, max: 3 }),
        }),
        anyFates,
        anyWindows,
        ({ work, per, order, matureUntil, prunedUntil, shortest, inHand }, fates, windows) => {
          const backlog = createBacklog(work, {
            keyOf: it => groupKey(it, per),
            matureUntil,
            newestFirst: false,
            prunedUntil: () => prunedUntil,
          })
          const executed = new Map<Selector, TimeRange[]>(selectors.map(selector => [selector, []]))
          const held: Piece[] = []
          let left = lengthLeft(backlog)
          let spared = 300
          for (let steps = 0; !isDone(backlog) || held.length > 0; steps++) {
            expect(steps).toBeLessThan(100_000)
            while (held.length < inHand && !isDone(backlog)) {
              const windowMs = Math.max(shortest, windows.next().value as number)
              const piece = takePiece(backlog, { order, windowOf: () => windowMs })!
              expect(rangeLength(piece.range)).toBeGreaterThan(0)
              // what was set aside comes back as it was
              if (piece.tries === 0) expect(rangeLength(piece.range)).toBeLessThanOrEqual(windowMs * 1.25)
              for (const selector of piece.selectors) expect(groupKey(selector, per)).toBe(piece.group)
              // a piece is mature as a whole or not at all
              expect(piece.provisional).toBe(piece.range.until > matureUntil)
              if (piece.range.until > matureUntil) expect(piece.range.after).toBeGreaterThanOrEqual(matureUntil)
              held.push(piece)
            }
            const piece = held.shift()!
            const fate = spared-- > 0 ? (fates.next().value as Fate) : 'done'
            if (fate === 'done') for (const selector of piece.selectors) executed.get(selector)!.push(piece.range)
            else if (fate === 'back') giveBack(backlog, piece)
            else if (fate === 'aside') setAside(backlog, { ...piece, tries: piece.tries + 1 })
            else {
              const halves = halvePiece(piece, shortest)
              if (halves === undefined) expect(rangeLength(piece.range)).toBeLessThan(2 * shortest)
              for (const part of halves ?? [piece]) {
                if (halves !== undefined) expect(rangeLength(part.range)).toBeGreaterThanOrEqual(shortest)
                setAside(backlog, { ...part, tries: 1 })
              }
            }
            const lengthOf = ({ range, selectors }: Piece) => rangeLength(range) * selectors.length
            const inHandLength = held.reduce((sum, it) => sum + lengthOf(it), 0)
            const nowLeft = lengthLeft(backlog) + inHandLength
            expect(nowLeft).toBe(fate === 'done' ? left - lengthOf(piece) : left)
            left = nowLeft
          }
          expect(left).toBe(0)
          for (const { selector, ranges } of work) {
            const pieces = executed.get(selector)!
            expect(RangeSet.of(...pieces).ranges).toEqual(ranges.ranges)
            // not longer than their union: nothing twice
            expect(pieces.reduce((sum, range) => sum + rangeLength(range), 0)).toBe(ranges.length)
          }
        },
      ),
      { numRuns: runs(150) },
    )
  })

  it('come in the order of time, from the end that was asked for', () => {
    fc.assert(
      fc.property(anyWork, anyOrder, anyWindows, (work, order, windows) => {
        const backlog = createBacklog(work, { keyOf: () => '*', matureUntil: 0, newestFirst: false })
        let last: TimeRange | undefined
        while (!isDone(backlog)) {
          const windowMs = windows.next().value as number
          const { range } = takePiece(backlog, { order, windowOf: () => windowMs })!
          if (last !== undefined)
            if (order !== 'newest') expect(range.after).toBeGreaterThanOrEqual(last.until)
            else expect(range.until).toBeLessThanOrEqual(last.after)
          last = range
        }
        expect(takePiece(backlog, { order, windowOf: () => 1 })).toBeUndefined()
      }),
    )
  })

  it('are made one at a time: a plan of ten years for a thousand datapoints is as small as its gaps', () => {
    const tenYears = { after: 0, until: 10 * 365 * 86_400_000 }
    const work = Array.from({ length: 1000 }, (_, index) => ({ selector: { index }, ranges: RangeSet.of(tenYears) }))
    const backlog = createBacklog(work, { keyOf: selectorKey, matureUntil: tenYears.until, newestFirst: false })
    expect([...backlog.groups.values()].every(stretches => stretches.length === 1)).toBe(true)
    for (let i = 0; i < 1000; i++) takePiece(backlog, { order: 'oldest', windowOf: () => 60_000 })
    expect([...backlog.groups.values()].every(stretches => stretches.length === 1)).toBe(true)
  })
})

describe('what is missing', () => {
  const anyCoverage: fc.Arbitrary<Coverage> = fc
    .tuple(anySet, anySet)
    .map(([final, it]) => ({ final, provisional: it.subtract(final), asFetched: it.subtract(final).ranges }))
  const anyCase = fc.record({
    wanted: fc
      .tuple(fc.integer({ min: 0, max: horizon }), fc.integer({ min: 0, max: horizon }))
      .map(([after, until]) => ({ after, until })),
    covered: anyCoverage,
    now: fc.integer({ min: 0, max: 2 * horizon }),
    delays: fc.record({ settle: fc.integer({ min: 0, max: 100 }), lateness: fc.integer({ min: 0, max: 600 }) }),
    rereadMs: fc.integer({ min: 0, max: 400 }),
  })

  it('is never beyond what was wanted nor beyond what has settled', () => {
    fc.assert(
      fc.property(anyCase, ({ wanted, covered, now, delays, rereadMs }) => {
        const missing = missingRanges(wanted, covered, maturityAt(agreed(now), delays), rereadMs)
        expect(missing.subtract(RangeSet.of(wanted)).isEmpty).toBe(true)
        for (const { until } of missing.ranges) expect(until).toBeLessThanOrEqual(now - delays.settle)
      }),
    )
  })

  it('never holds what is final, and always holds what was never fetched', () => {
    fc.assert(
      fc.property(anyCase, ({ wanted, covered, now, delays, rereadMs }) => {
        const missing = missingRanges(wanted, covered, maturityAt(agreed(now), delays), rereadMs)
        expect(missing.intersect(covered.final).isEmpty).toBe(true)
        const never = RangeSet.of({ after: wanted.after, until: Math.min(wanted.until, now - delays.settle) })
          .subtract(covered.final)
          .subtract(covered.provisional)
        expect(never.subtract(missing).isEmpty).toBe(true)
      }),
    )
  })

  it('holds of the provisional only looks that are mature as a whole: all of them without a least length', () => {
    fc.assert(
      fc.property(anyCase, ({ wanted, covered, now, delays, rereadMs }) => {
        const moments = maturityAt(agreed(now), delays)
        const again = missingRanges(wanted, covered, moments, rereadMs).intersect(covered.provisional)
        for (const { until } of again.ranges) expect(until).toBeLessThanOrEqual(moments.matureUntil)
        const mature = RangeSet.of(...covered.asFetched.filter(({ until }) => until <= moments.matureUntil)).intersect({
          after: wanted.after,
          until: Math.min(wanted.until, moments.settledUntil),
        })
        expect(again.subtract(mature).isEmpty).toBe(true)
        const atOnce = missingRanges(wanted, covered, moments, 0).intersect(covered.provisional)
        expect(atOnce.ranges).toEqual(mature.ranges)
      }),
    )
  })

  it('leaves the provisional in peace until enough of it is mature, or its rest', () => {
    const provisional = RangeSet.of({ after: 0, until: 1000 })
    const asFetched = [0, 200, 400, 600, 800].map(after => ({ after, until: after + 200 }))
    const ask = (now: number, rereadMs: number) =>
      missingRanges(
        { after: 0, until: 1000 },
        { final: RangeSet.empty, provisional, asFetched },
        maturityAt(agreed(now), { settle: 0, lateness: 100 }),
        rereadMs,
      ).ranges
    expect(ask(100, 400)).toEqual([])
    expect(ask(499, 400)).toEqual([])
    expect(ask(500, 400)).toEqual([{ after: 0, until: 400 }])
    expect(ask(1099, 2000)).toEqual([])
    expect(ask(1100, 2000)).toEqual([{ after: 0, until: 1000 }])
  })

  it('comes to an end: a schedule of short steps reads everything twice and nothing three times', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 0, max: 30 }),
        fc.integer({ min: 0, max: 200 }),
        (every, settle, lateness) => {
          let covered: Coverage = noCoverage
          const fetched: TimeRange[] = []
          const rounds = Math.ceil(1_000 / every)
          for (let now = 0; now <= every * rounds; now += every) {
            const moments = maturityAt(agreed(now), { settle, lateness })
            const missing = missingRanges({ after: 0, until: now }, covered, moments, lateness)
            fetched.push(...missing.ranges)
            const final = covered.final.add(missing.intersect({ after: 0, until: moments.matureUntil }))
            const provisional = covered.provisional.add(missing).subtract(final)
            const fresh = missing.subtract({ after: 0, until: moments.matureUntil }).ranges
            const kept = covered.asFetched.filter(range => provisional.covers(range))
            covered = { final, provisional, asFetched: [...kept, ...fresh] }
          }
          const total = fetched.reduce((sum, range) => sum + rangeLength(range), 0)
          expect(total).toBeLessThanOrEqual(2 * RangeSet.of(...fetched).length)
          // what still waits for its re-read is no more than two latenesses and a step
          expect(covered.provisional.length).toBeLessThanOrEqual(2 * Math.max(lateness, settle) + every)
        },
      ),
    )
  })
})

it('rescue asks last for what the gateway has pruned already, and first for what it prunes next', () => {
  const day = 86_400_000
  const now = 100 * day
  const retention = { a: 10 * day, b: 30 * day }
  const work = (['a', 'b'] as const).map(block => ({
    selector: { device: { name: block }, block },
    ranges: RangeSet.of({ after: 0, until: now }),
  }))
  const retentionOf = ([selector]: readonly Selector[]) => retention[selector!.block as 'a' | 'b']
  const backlog = createBacklog(work, {
    keyOf: selectorKey,
    matureUntil: now,
    newestFirst: false,
    prunedUntil: selectors => now - retentionOf(selectors),
  })
  const pieces: Piece[] = []
  while (!isDone(backlog)) pieces.push(takePiece(backlog, { order: 'rescue', windowOf: () => day, retentionOf })!)
  const prunedAt = ({ range, selectors }: Piece) => range.after + retentionOf(selectors)
  const living = pieces.filter(piece => prunedAt(piece) >= now)
  expect(pieces.slice(0, living.length)).toEqual(living)
  expect(living.map(prunedAt)).toEqual(living.map(prunedAt).toSorted((x, y) => x - y))
  for (const { selector, ranges } of work) {
    const asked = pieces.filter(({ selectors }) => selectors[0] === selector).map(({ range }) => range)
    expect(RangeSet.from(asked).ranges).toEqual(ranges.ranges)
  }
})
