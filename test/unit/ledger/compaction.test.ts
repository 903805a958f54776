import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Selector } from '../../../src/domain/datapoint.ts'
import { emptyReceipt } from '../../../src/domain/receipt.ts'
import { type Ledger, openLedger } from '../../../src/ledger/ledger.ts'
import { runs } from '../../support/runs.ts'
import { steeredClock } from '../../support/steered-clock.ts'

const place = { sink: 's', gateway: 'g' }
const selector: Selector = {}
const dayMs = 86_400_000
const start = Date.UTC(2020, 0, 1)

/** A day that holds one point, or an unknown number of them. */
function completeDay(ledger: Ledger, day: number, points: number | undefined, keptMs?: number): void {
  const after = start + day * dayMs
  ledger.complete({
    sink: place.sink,
    request: { gateway: place.gateway, selectors: [selector], range: { after, until: after + dayMs } },
    provisional: false,
    receipt: emptyReceipt(),
    points: [points],
    keptMs,
  })
}

it('of ten years, in whatever order, two are counted by the month, and the count of all is kept', () => {
  fc.assert(
    fc.property(fc.constantFrom(1, 7, 1_009, 3_651), step => {
      const ledger = openLedger(':memory:', steeredClock())
      const days = 3_652
      for (let i = 0; i < days; i++) completeDay(ledger, (i * step) % days, 1)
      const proofs = ledger.proofs.of(place, selector)
      expect(proofs).toHaveLength(24)
      expect(proofs.reduce((sum, { points }) => sum + points!, 0)).toBe(days)
      expect(ledger.coverage.of(place, [selector]).get(selector)!.final.ranges).toHaveLength(1)
      ledger.close()
    }),
    { numRuns: runs(4) },
  )
})

it('a count that is not known makes no more than its month uncountable', () => {
  const ledger = openLedger(':memory:', steeredClock())
  for (let day = 0; day < 1_500; day++) completeDay(ledger, day, day === 40 ? undefined : 1)
  const proofs = ledger.proofs.of(place, selector)
  expect(proofs.filter(({ points }) => points === undefined)).toHaveLength(1)
  expect(proofs.reduce((sum, { points = 0 }) => sum + points, 0)).toBe(1_500 - 29)
  ledger.close()
})

it('of a database that keeps a few days, each day is counted, so that those that are kept can be compared', () => {
  const ledger = openLedger(':memory:', steeredClock())
  for (let day = 0; day < 1_500; day++) completeDay(ledger, day, 1, 7 * dayMs)
  const proofs = ledger.proofs.of(place, selector)
  expect(proofs.slice(-90).every(({ range, points }) => range.until - range.after === dayMs && points === 1)).toBe(true)
  // the ledger's size follows the gaps, not the days
  expect(proofs).toHaveLength(100)
  ledger.close()
})
