import { expect, onTestFinished, test } from 'vitest'
import { RangeSet } from '../../../src/domain/range.ts'
import { emptyReceipt } from '../../../src/domain/receipt.ts'
import { openLedger } from '../../../src/ledger/ledger.ts'
import { steeredClock } from '../../support/steered-clock.ts'

const place = { sink: 's', gateway: 'plant-a' }
const lux = { device: { name: 'Sensor 1' } }
const counts = { received: 7, written: 4, rejected: 2 }

function openForTest() {
  const ledger = openLedger(':memory:', steeredClock())
  onTestFinished(() => ledger.close())
  const complete = (after: number, until: number, { provisional = false, isCounted = true } = {}) =>
    ledger.complete({
      sink: place.sink,
      request: { gateway: place.gateway, selectors: [lux], range: { after, until } },
      provisional,
      receipt: emptyReceipt(),
      points: [3],
      ...(isCounted ? { counts: [counts] } : {}),
    })
  return { ledger, complete, proofs: () => ledger.proofs.of(place, lux) }
}

test('what was received, written and rejected adds up as complete ranges grow together', () => {
  const { complete, proofs } = openForTest()
  complete(0, 10)
  complete(20, 30)
  expect(proofs()).toMatchObject([{ counts }, { counts }])
  complete(10, 20)
  expect(proofs()).toEqual([
    { range: { after: 0, until: 30 }, points: 9, counts: { received: 21, written: 12, rejected: 6 } },
  ])
})

test('what is not known of a part is not known of the whole', () => {
  for (const spoil of ['overlap', 'cut', 'uncounted']) {
    const { ledger, complete, proofs } = openForTest()
    complete(0, 10)
    if (spoil === 'overlap') complete(5, 15)
    if (spoil === 'cut')
      ledger.coverage.heedClock(place.gateway, { host: 10, gateway: 10 }, RangeSet.of({ after: 5, until: 10 }))
    if (spoil === 'uncounted') complete(10, 20, { isCounted: false })
    expect(proofs().map(proof => proof.counts)).toEqual([undefined])
  }
})

test('a range that is read twice is counted by its re-read', () => {
  const { complete, proofs } = openForTest()
  complete(0, 10, { provisional: true })
  expect(proofs()).toEqual([])
  complete(0, 10)
  expect(proofs()).toMatchObject([{ points: 3, counts }])
})
