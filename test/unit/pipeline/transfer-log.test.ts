import { expect, test } from 'vitest'
import { emptyReceipt } from '../../../src/domain/receipt.ts'
import type { RunEvent } from '../../../src/pipeline/job.ts'
import { logTransfers } from '../../../src/pipeline/transfer-log.ts'
import { recordedLog } from '../../support/recorded-log.ts'

test('a transfer is logged with its times and counts, and every event goes on', () => {
  const { log, lines } = recordedLog()
  const seen: RunEvent[] = []
  const piece = { selectors: [{}], range: { after: 0, until: 60_000 }, provisional: true } as never
  const receipt = { ...emptyReceipt(), received: 2, written: 2 }
  const events: RunEvent[] = [
    { gateway: 'plant-a', kind: 'planned', lengthMs: 60_000 },
    { gateway: 'plant-a', kind: 'done', piece, receipt, lengthLeft: 0 },
  ]
  for (const event of events) logTransfers(log, it => seen.push(it))(event)
  expect(seen).toEqual(events)
  expect(lines).toEqual([
    expect.objectContaining({
      level: 20,
      msg: 'transferred',
      gateway: 'plant-a',
      after: '1970-01-01T00:00:00.000Z',
      until: '1970-01-01T00:01:00.000Z',
      received: 2,
      written: 2,
      provisional: true,
    }),
  ])
})
