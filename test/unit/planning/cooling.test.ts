import { expect, onTestFinished, test } from 'vitest'
import { openLedger } from '../../../src/ledger/ledger.ts'
import { isDone } from '../../../src/planning/backlog.ts'
import { planRun } from '../../../src/planning/plan.ts'
import { noEnd } from '../../support/scripted-gateway.ts'
import { steeredClock } from '../../support/steered-clock.ts'

const hour = 3_600_000
const lux = { device: { name: 'Sensor 1' } }

test('a parked range rests for its time, and not longer when the host’s clock is set back', () => {
  const clock = steeredClock()
  const ledger = openLedger(':memory:', clock)
  onTestFinished(() => ledger.close())
  const range = { after: clock.now() - hour, until: clock.now() }
  ledger.parked.park('s', { gateway: 'plant-a', selectors: [lux], range }, noEnd(), 3)
  const rests = (now: number) =>
    isDone(
      planRun(
        { kind: 'sync', sinceMs: hour },
        {
          name: 'plant-a',
          now: range.until,
          selectors: [lux],
          unknown: [],
          barred: [],
          requests: { per: 'auto', order: 'oldest' },
          maturity: { settle: 0, lateness: 0 },
        },
        ledger,
        { sink: 's', now, keptMs: undefined },
      ).backlog,
    )
  const parkedAt = clock.now()
  expect([0, hour - 1, hour].map(ms => rests(parkedAt + ms))).toEqual([true, true, false])
  expect(rests(parkedAt - 1)).toBe(false)
  expect(rests(parkedAt - 24 * hour)).toBe(false)
})
