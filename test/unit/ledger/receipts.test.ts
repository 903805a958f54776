import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../../src/domain/clock.ts'
import { emptyReceipt } from '../../../src/domain/receipt.ts'
import { askedText, Ledger } from '../../../src/ledger/ledger.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

test('the newest transfers of a gateway are told for its sink alone, the newest first', () => {
  const ledger = Ledger.open(join(temporaryFolder(), 'ledger.db'), systemClock)
  onTestFinished(() => ledger.close())
  ledger.own('test')
  const selectors = [{ device: { name: 'A' } }, { device: { name: 'B' } }] as const
  const complete = (sink: string, gateway: string, received: number) =>
    ledger.complete({
      sink,
      request: { gateway, selectors, range: { after: received, until: received + 1 } },
      provisional: false,
      receipt: { ...emptyReceipt(), received, written: received, tookMs: 5 },
      points: [undefined, undefined],
    })
  for (const received of [1, 2, 3]) complete('s', 'g', received)
  complete('s', 'other', 9)
  complete('elsewhere', 'g', 9)
  const told = ledger.receipts({ sink: 's', gateway: 'g' }, 2)
  expect(told.map(({ receipt }) => receipt.received)).toEqual([3, 2])
  expect(told[0]).toEqual({
    asked: askedText(selectors),
    range: { after: 3, until: 4 },
    receipt: { ...emptyReceipt(), received: 3, written: 3, tookMs: 5 },
  })
})
