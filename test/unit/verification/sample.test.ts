import fc from 'fast-check'
import { expect, it } from 'vitest'
import { rangeLength } from '../../../src/domain/range.ts'
import { drawSample } from '../../../src/verification/sample.ts'

const windowMs = 50

interface Row {
  readonly datapoint: number
  readonly range: { readonly after: number; readonly until: number }
}

const draw = (rows: readonly Row[], count: number, seed: number) =>
  drawSample(rows, ({ datapoint }) => String(datapoint), { count, windowMs, seed })

/** Rows of a few datapoints; those of one datapoint do not overlap. */
const anyRows = fc
  .array(fc.tuple(fc.nat(3), fc.nat(100), fc.integer({ min: 1, max: 300 })), { maxLength: 8 })
  .map(parts => {
    let at = 0
    return parts.map(([datapoint, gap, length]): Row => {
      const after = at + gap
      at = after + length
      return { datapoint, range: { after, until: at } }
    })
  })

it('a sample lies within the rows, holds nothing twice, and is the same for the same seed', () => {
  fc.assert(
    fc.property(anyRows, fc.nat(30), fc.integer(), (rows, count, seed) => {
      const sample = draw(rows, count, seed)
      const parts = rows.reduce((sum, { range }) => sum + Math.ceil(rangeLength(range) / windowMs), 0)
      expect(sample).toHaveLength(Math.min(count, parts))
      expect(draw(rows, count, seed)).toEqual(sample)
      for (const { row, range } of sample) {
        expect(range.after).toBeGreaterThanOrEqual(row.range.after)
        expect(range.until).toBeLessThanOrEqual(row.range.until)
        expect(rangeLength(range)).toBeLessThanOrEqual(windowMs)
        expect(rangeLength(range)).toBeGreaterThan(0)
      }
      const sorted = sample.map(({ range }) => range).sort((a, b) => a.after - b.after)
      for (const [i, { after }] of sorted.entries())
        if (i > 0) expect(after).toBeGreaterThanOrEqual(sorted[i - 1]!.until)
    }),
  )
})

it('a sample is of as many datapoints as it has parts, however much of one there is', () => {
  const rows = Array.from({ length: 40 }, (_, datapoint): Row => {
    return { datapoint, range: { after: 0, until: datapoint === 0 ? 100_000 : 1_000 } }
  })
  const sample = draw(rows, 40, 1)
  expect(new Set(sample.map(({ row }) => row.datapoint)).size).toBe(40)
  // and of many days
  expect(new Set(sample.map(({ range }) => range.after)).size).toBeGreaterThan(10)
  expect(new Set(draw(rows, 60, 1).map(({ row }) => row.datapoint)).size).toBe(40)
})
