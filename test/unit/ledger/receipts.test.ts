import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../../src/cli/system-clock.ts'
import { emptyReceipt } from '../../../src/domain/receipt.ts'
import { openLedger } from '../../../src/ledger/ledger.ts'
import { askedText } from '../../../src/ledger/receipts.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

test('the newest transfers of a gateway are listed for its sink alone, the newest first', () => {
  const ledger = openLedger(join(temporaryFolder(), 'ledger.db'), systemClock)
  onTestFinished(() => ledger.close())
  ledger.owner.take('test')
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
  const told = ledger.receipts.newest({ sink: 's', gateway: 'g' }, 2)
  expect(told.map(({ receipt }) => receipt.received)).toEqual([3, 2])
  expect(told[0]).toEqual({
    asked: askedText(selectors),
    range: { after: 3, until: 4 },
    receipt: { ...emptyReceipt(), received: 3, written: 3, tookMs: 5 },
  })
})

test('receipts of a busy gateway do not crowd out those of another: each has an equal share', () => {
  const ledger = openLedger(':memory:', systemClock)
  onTestFinished(() => ledger.close())
  const complete = (gateway: string, after: number) =>
    ledger.complete({
      sink: 's',
      request: { gateway, selectors: [{}], range: { after, until: after + 1 } },
      provisional: false,
      receipt: emptyReceipt(),
      points: [0],
    })
  for (let i = 0; i < 5; i++) complete('quiet', i)
  for (let i = 0; i < 4_000; i++) complete('busy', i)
  expect(ledger.receipts.newest({ sink: 's', gateway: 'quiet' }, 10_000)).toHaveLength(5)
  const kept = ledger.receipts.newest({ sink: 's', gateway: 'busy' }, 10_000)
  expect(kept.length).toBeGreaterThanOrEqual(1_000)
  expect(kept.length).toBeLessThan(1_100)
  expect(kept[0]!.range.after).toBe(3_999)
})
