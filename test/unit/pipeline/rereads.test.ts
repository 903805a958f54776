import { expect, it } from 'vitest'
import { rangeLength, type TimeRange } from '../../../src/domain/range.ts'
import { day, hour, lux, minute, openPipeline } from '../../support/pipeline.ts'
import { scriptedGateway } from '../../support/scripted-gateway.ts'
import { steeredClock } from '../../support/steered-clock.ts'

/** A daemon by a steered clock, with the real ledger: one pass after the other. `skew`: the gateway's clock minus the host's. */
function openDaemon({ every = 5 * minute, settle = minute, lateness = hour, since = 30 * day } = {}) {
  const clock = steeredClock(Date.UTC(2026, 0, 1))
  const { ledger, sink, events, job, go } = openPipeline({ clock })
  const skew = { ms: 0 }
  const source = scriptedGateway({ now: () => clock.now() + skew.ms })
  const daemon = job(source, {
    limits: { pause: 0 },
    requests: { entries: 50_000, shortest: minute, longest: day, per: 'auto', order: 'oldest' },
    maturity: { settle, lateness },
    demand: { kind: 'sync', sinceMs: since },
  })
  const place = { sink: sink.id, gateway: source.name }
  return {
    clock,
    ledger,
    source,
    skew,
    kinds: () => events.map(({ kind }) => kind),
    place,
    pass: async () => {
      await go([daemon])
      await clock.sleep(every)
    },
    coverage: () => ledger.coverage.of(place, [lux]).get(lux)!,
  }
}

it.each([
  ['every 1m with a lateness of 1h', minute, hour],
  ['every 5m with a lateness of 1h', 5 * minute, hour],
  ['every 5m with a lateness of 6h', 5 * minute, 6 * hour],
  ['every 15m with a lateness of 24h', 15 * minute, day],
])('a sync %s reads everything twice, soon after it is mature', async (_, every, lateness) => {
  const { clock, ledger, source, pass, coverage } = openDaemon({ every, lateness, since: 3 * lateness })
  const began = clock.now()
  while (clock.now() < began + 5 * lateness) await pass()
  const { final, provisional } = coverage()
  // two latenesses and what joined ranges add to them
  const behind = clock.now() - final.ranges.at(-1)!.until
  expect(behind).toBeLessThanOrEqual(2.2 * lateness + 2 * every)
  expect(provisional.length).toBeLessThanOrEqual(2.2 * lateness + 2 * every)
  const asked = source.asked.reduce((sum, range) => sum + rangeLength(range), 0)
  expect(asked).toBeLessThanOrEqual(2 * (clock.now() - began) + 3 * lateness)
  expect(ledger.memory.rereads().get('plant-a')!.ranges).toBeGreaterThan(0)
})

it.each([
  ['within the lateness', 30 * minute],
  ['by hours', 5 * hour],
])('a clock that was ahead %s and is set right takes no time out of the log', async (_, aheadMs) => {
  const { clock, source, skew, kinds, pass, coverage } = openDaemon()
  skew.ms = aheadMs
  const began = clock.now()
  while (clock.now() < began + 8 * hour) await pass()
  const setBackAt = clock.now()
  skew.ms = 0
  const before = source.asked.length
  while (clock.now() < setBackAt + 8 * hour) await pass()
  expect(kinds()).toContain('clock-set-back')
  // what the gateway has logged by its right clock since it was set back was asked for after it was there
  const asked: TimeRange[] = source.asked.slice(before)
  const covered = coverage().final
  const again = { after: setBackAt, until: setBackAt + 5 * hour }
  expect(covered.covers(again)).toBe(true)
  for (let at = again.after; at < again.until; at += minute)
    expect(asked.some(({ after, until }) => after <= at && at < until)).toBe(true)
})

it('a host whose clock is slewed by seconds fetches nothing again', async () => {
  const { clock, skew, kinds, pass } = openDaemon()
  const began = clock.now()
  for (let n = 0; clock.now() < began + 4 * hour; n++) {
    skew.ms = (n % 7) * 3_000
    await pass()
  }
  expect(kinds()).not.toContain('clock-set-back')
})
