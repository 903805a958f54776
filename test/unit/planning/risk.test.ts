import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Selector } from '../../../src/domain/datapoint.ts'
import { RangeSet, rangeLength, type TimeRange } from '../../../src/domain/range.ts'
import { createBacklog, lengthLeft } from '../../../src/planning/backlog.ts'
import { groupKey } from '../../../src/planning/grouping.ts'
import { riskOf, storedPart } from '../../../src/planning/risk.ts'

const dayMs = 86_400_000
const now = 1_000 * dayMs
const [a, b]: readonly [Selector, Selector] = [{ device: { name: 'A' } }, { device: { name: 'B' } }]

function backlogOf(...missing: readonly (readonly [Selector, TimeRange])[]) {
  return createBacklog(
    missing.map(([selector, range]) => ({ selector, ranges: RangeSet.of(range) })),
    { keyOf: selector => groupKey(selector, 'gateway'), matureUntil: now, newestFirst: false },
  )
}

/** `A` is kept for 14 days, `B` for 60. */
const retentionOf = (selectors: readonly Selector[]) => (selectors.includes(a) ? 14 : 60) * dayMs

describe('data at risk', () => {
  it('are distinguished from those that are pruned already, each by the retention of its own datapoint', () => {
    const range = { after: now - 20 * dayMs, until: now }
    expect(riskOf(backlogOf([a, range], [b, range]), retentionOf, now)).toEqual({
      pruned: { ms: 6 * dayMs, datapoints: 1, range: { after: now - 20 * dayMs, until: now - 14 * dayMs } },
      soon: {
        ms: dayMs,
        datapoints: 1,
        range: { after: now - 14 * dayMs, until: now - 13 * dayMs },
        by: now + dayMs,
      },
    })
  })

  it('are pruned when the end of what is missing is as old as the gateway keeps', () => {
    const range = { after: now - 13.75 * dayMs, until: now - 13.5 * dayMs }
    expect(riskOf(backlogOf([a, range]), retentionOf, now)).toMatchObject({
      pruned: undefined,
      soon: { ms: 0.25 * dayMs, by: now + 0.5 * dayMs },
    })
  })

  it('are none where all that is missing is young, or it is not known how long it is kept', () => {
    const young = { after: now - 12 * dayMs, until: now }
    const none = { pruned: undefined, soon: undefined }
    expect(riskOf(backlogOf([a, young]), retentionOf, now)).toEqual(none)
    expect(riskOf(backlogOf([a, { after: 0, until: now }]), () => undefined, now)).toEqual(none)
  })

  it('and what is pruned are never more than what is missing', () => {
    const anyRange = fc
      .tuple(fc.integer({ min: 900, max: 1_000 }), fc.integer({ min: 1, max: 50 }))
      .map(([day, length]) => ({ after: (day - length) * dayMs, until: day * dayMs }))
    fc.assert(
      fc.property(anyRange, anyRange, (first, second) => {
        const backlog = backlogOf([a, first], [b, second])
        const { pruned, soon } = riskOf(backlog, retentionOf, now)
        expect((pruned?.ms ?? 0) + (soon?.ms ?? 0)).toBeLessThanOrEqual(lengthLeft(backlog))
        if (soon !== undefined) expect(soon.by).toBeGreaterThan(now)
        if (soon !== undefined) expect(soon.by).toBeLessThanOrEqual(now + dayMs)
      }),
    )
  })
})

describe('the stored part of a range', () => {
  it('is what the gateway has not pruned', () => {
    const range = { after: now - 20 * dayMs, until: now - 10 * dayMs }
    expect(storedPart(range, 14 * dayMs, now)).toEqual({ after: now - 14 * dayMs, until: now - 10 * dayMs })
    expect(rangeLength(storedPart(range, 5 * dayMs, now))).toBe(0)
    expect(storedPart(range, 30 * dayMs, now)).toEqual(range)
    expect(storedPart(range, undefined, now)).toEqual(range)
  })
})
