import { expect, test } from 'vitest'
import { emptyReceipt } from '../../../src/domain/receipt.ts'
import type { Activity } from '../../../src/ledger/activity.ts'
import type { RunEvent } from '../../../src/pipeline/job.ts'
import { observeRun } from '../../../src/pipeline/run-observers.ts'
import { recordedLog } from '../../support/recorded-log.ts'
import { unreachable } from '../../support/scripted-gateway.ts'
import { steeredClock } from '../../support/steered-clock.ts'

test('a wait in a long outage is noted with the beginning of the outage and the end of the present wait', () => {
  const clock = steeredClock()
  const told: Activity[] = []
  const began = clock.now()
  const ledger = { activity: { all: () => [], note: (it: Activity) => void told.push(it) } }
  const note = observeRun({ ledger, clock, log: recordedLog().log }, () => {})
  for (const waitMs of [1_000, 60_000, 60_000]) {
    note({ gateway: 'plant-a', kind: 'failed', failure: unreachable(), waitMs })
    expect(told.at(-1)).toMatchObject({ since: began, until: clock.now() + waitMs })
    clock.advance(waitMs)
  }
  note({ gateway: 'plant-a', kind: 'waiting', reason: undefined })
  expect(told.at(-1)).toMatchObject({ doing: 'transferring', since: clock.now(), until: undefined })
  // said once for as long as it lasts
  note({ gateway: 'plant-a', kind: 'waiting', reason: undefined })
  expect(told).toHaveLength(4)
})

test('a request that lasts is noted with its range and its beginning', () => {
  const clock = steeredClock()
  const told: Activity[] = []
  const ledger = { activity: { all: () => [], note: (it: Activity) => void told.push(it) } }
  const note = observeRun({ ledger, clock, log: recordedLog().log }, () => {})
  const piece = { selectors: [{}], range: { after: 0, until: 60_000 }, provisional: false } as never
  note({ gateway: 'plant-a', kind: 'planned', lengthMs: 60_000 })
  clock.advance(5_000)
  note({ gateway: 'plant-a', kind: 'requested', piece })
  clock.advance(600_000)
  expect(told.at(-1)).toEqual({
    gateway: 'plant-a',
    doing: 'receiving entries of 1970-01-01T00:00:00.000Z … 1970-01-01T00:01:00.000Z',
    since: clock.now() - 600_000,
    until: undefined,
  })
})

test('transfers and waits are logged at debug level, and every event goes on', () => {
  const { log, lines } = recordedLog()
  const seen: RunEvent[] = []
  const piece = { selectors: [{}], range: { after: 0, until: 60_000 }, provisional: true } as never
  const receipt = { ...emptyReceipt(), received: 2, written: 2 }
  const events: RunEvent[] = [
    { gateway: 'plant-a', kind: 'planned', lengthMs: 60_000 },
    { gateway: 'plant-a', kind: 'done', piece, receipt, lengthLeft: 0 },
    { gateway: 'plant-a', kind: 'waiting', reason: { kind: 'cpu', text: 'waiting for the CPU', until: 60_000 } },
  ]
  const ledger = { activity: { all: () => [], note: () => {} } }
  const observe = observeRun({ ledger, clock: steeredClock(), log }, it => seen.push(it))
  for (const event of events) observe(event)
  expect(seen).toEqual(events)
  expect(lines).toEqual([
    expect.objectContaining({
      level: 20,
      gateway: 'plant-a',
      after: '1970-01-01T00:00:00.000Z',
      until: '1970-01-01T00:01:00.000Z',
      received: 2,
      written: 2,
      provisional: true,
    }),
    expect.objectContaining({ level: 20, gateway: 'plant-a', wait: 'cpu', until: '1970-01-01T00:01:00.000Z' }),
  ])
})
