import { expect, test } from 'vitest'
import type { Activity } from '../../../src/ledger/activity.ts'
import { noteActivity } from '../../../src/pipeline/activity.ts'
import { unreachable } from '../../support/scripted-gateway.ts'
import { steeredClock } from '../../support/steered-clock.ts'

test('what is waited for in a long outage is told with its beginning and the end of the present wait', () => {
  const clock = steeredClock()
  const told: Activity[] = []
  const began = clock.now()
  const note = noteActivity({ activity: { all: () => [], note: it => void told.push(it) } }, clock, () => {})
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
