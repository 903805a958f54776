import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type Coverage, noCoverage } from '../../src/domain/coverage.ts'
import { type Selector, selectorKey } from '../../src/domain/datapoint.ts'
import { RangeSet, type TimeRange } from '../../src/domain/range.ts'
import { type Backlog, type Piece, takePiece } from '../../src/planning/backlog.ts'
import type { Demand } from '../../src/planning/demand.ts'
import { type PlanLedger, type PlannedGateway, planRun } from '../../src/planning/plan.ts'
import { runs } from '../support/runs.ts'

const now = 2_000
const anyRange = fc
  .tuple(fc.integer({ min: 0, max: now }), fc.integer({ min: 1, max: now / 4 }))
  .map(([after, length]): TimeRange => ({ after, until: after + length }))
const anySet = fc.array(anyRange, { maxLength: 4 }).map(ranges => RangeSet.of(...ranges))
const selectors: Selector[] = ['A', 'B'].flatMap(name =>
  [0, 1].map(index => ({ device: { name }, block: 'Lamp', index, point: { xif: 'nvoValue' } })),
)
const ofEach = <T>(any: fc.Arbitrary<T>) => fc.tuple(...selectors.map(() => any))
const anyDemand = fc.constantFrom<Demand>(
  { kind: 'once', after: 100, until: 1_800 },
  { kind: 'sync', sinceMs: 1_700 },
  { kind: 'parked' },
)
/** Groups of which it was learnt that their datapoints are better asked for one by one. */
const anyNarrow = fc.subarray(['A', 'B'].map(name => selectorKey({ device: { name } })))

function rangesOf(backlog: Backlog, selector: Selector): TimeRange[] {
  const stretches = [...backlog.groups.values(), ...backlog.pruned.values(), backlog.setAside].flat()
  return stretches.filter(({ selectors: its }) => its.includes(selector)).map(({ range }) => range)
}

it('pieces in hand and the new plan tile the old plan, whatever was learnt of the grouping meanwhile', () => {
  fc.assert(
    fc.property(
      fc.record({
        demand: anyDemand,
        covered: ofEach(anySet),
        provisional: ofEach(anySet),
        parked: ofEach(anySet),
        order: fc.constantFrom('oldest', 'newest', 'rescue'),
        before: anyNarrow,
        after: anyNarrow,
        taken: fc.nat({ max: 12 }),
        window: fc.integer({ min: 20, max: now }),
      }),
      ({ demand, covered, provisional, parked, order, before, after, taken, window }) => {
        const ledgerWith = (narrow: readonly string[]): PlanLedger => ({
          coverage: {
            of: (_, asked) =>
              new Map(
                asked.map((selector): [Selector, Coverage] => {
                  const i = selectors.indexOf(selector)
                  const looks = provisional[i]!.subtract(covered[i]!)
                  return [selector, { ...noCoverage, final: covered[i]!, provisional: looks, asFetched: looks.ranges }]
                }),
              ),
            hasContent: () => false,
          },
          parked: {
            of: (_, selector) =>
              parked[selectors.indexOf(selector)]!.ranges.map(range => ({ range, at: now - 10, tries: 3 })),
          },
          memory: {
            widthOf: (_, group) => (narrow.includes(group) ? 'narrow' : undefined),
            wantedOf: () => undefined,
            shareOf: () => undefined,
          },
        })
        const gateway: PlannedGateway = {
          ...{ name: 'g', now, selectors, unknown: [], barred: [] },
          requests: { per: 'auto', order },
          maturity: { settle: 5, lateness: 50 },
          retentionOf: () => 1_500,
        }
        const options = { sink: 's', now, keptMs: undefined }
        const first = planRun(demand, gateway, ledgerWith(before), options)
        const old = selectors.map(selector => RangeSet.from(rangesOf(first.backlog, selector)))
        const inHand: Piece[] = []
        for (let i = 0; i < taken; i++) {
          const piece = takePiece(first.backlog, { order, windowOf: () => window })
          if (piece !== undefined) inHand.push(piece)
        }
        const again = planRun(demand, gateway, ledgerWith(after), { ...options, inHand })
        for (const [i, selector] of selectors.entries()) {
          const held = inHand.filter(({ selectors: its }) => its.includes(selector)).map(({ range }) => range)
          const pieces = [...held, ...rangesOf(again.backlog, selector)]
          expect(RangeSet.from(pieces)).toEqual(old[i])
          // and none of it twice
          expect(pieces.reduce((sum, { after, until }) => sum + until - after, 0)).toBe(lengthOf(old[i]!))
        }
      },
    ),
    { numRuns: runs(500) },
  )
})

function lengthOf({ ranges }: RangeSet): number {
  return ranges.reduce((sum, { after, until }) => sum + until - after, 0)
}
