import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { CountedRow } from '../../../src/pipeline/counting.ts'
import { compareRow, sampleRows } from '../../../src/pipeline/verification.ts'

function row(after: number, until: number, counts: Partial<CountedRow> = {}): CountedRow {
  return {
    gateway: 'g',
    selector: {},
    series: [],
    range: { after, until },
    proof: 5,
    found: 5,
    verdict: 'equal',
    ...counts,
  }
}

async function* windows(comparison: Partial<Record<'equal' | 'missing' | 'extra', number>>) {
  const none = { equal: 0, missing: 0, different: 0, extra: 0, unwritable: 0, series: new Set<never>() }
  yield {
    range: { after: 0, until: 10 },
    comparison: { ...none, examples: ['only in the database: x'], ...comparison },
  }
}

it('what the gateway has pruned is no difference where the proof holds', async () => {
  const pruned = await compareRow(row(0, 10), { after: 0, until: 10 }, windows({ equal: 3, extra: 2 }))
  expect(pruned).toMatchObject({ verdict: 'equal', equal: 5, extra: 0, examples: [] })
  const strange = row(0, 10, { found: 7, verdict: 'differs' })
  expect(await compareRow(strange, strange.range, windows({ equal: 5, extra: 2 }))).toMatchObject({
    verdict: 'differs',
    extra: 2,
  })
})

it('parts drawn by chance lie within the rows and are no longer than a window', () => {
  const anyRow = fc.tuple(fc.nat(1_000), fc.integer({ min: 1, max: 500 })).map(([at, length]) => row(at, at + length))
  fc.assert(
    fc.property(fc.array(anyRow, { maxLength: 5 }), fc.double({ min: 0, max: 0.999, noNaN: true }), (rows, chance) => {
      const parts = sampleRows(rows, 3, 50, () => chance)
      expect(parts).toHaveLength(rows.length === 0 ? 0 : 3)
      for (const { row: of, range } of parts) {
        expect(range.after).toBeGreaterThanOrEqual(of.range.after)
        expect(range.until).toBeLessThanOrEqual(of.range.until)
        expect(range.until - range.after).toBe(Math.min(50, of.range.until - of.range.after))
      }
    }),
  )
})
