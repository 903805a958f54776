import { expect, it } from 'vitest'
import type { TimeRange } from '../../../src/domain/range.ts'
import { day, hour, lux, minute, openPipeline } from '../../support/pipeline.ts'
import { scriptedGateway } from '../../support/scripted-gateway.ts'
import { steeredClock } from '../../support/steered-clock.ts'

const start = Date.UTC(2026, 0, 1)

/** A sync with a gateway that logs once a minute by its own clock, and remembers what was logged when. */
function openSite({ settle = minute, lateness = hour, since = 2 * day, headerAheadMs = 0 } = {}) {
  const clock = steeredClock(start)
  const { ledger, sink, events, job, go } = openPipeline({ clock })
  let offset = 0
  const gatewayNow = () => clock.elapsed() + start + offset
  /** What was there to be fetched: `asked` by the elapsed time when it was asked. */
  const asked: { readonly range: TimeRange; readonly at: number }[] = []
  const scripted = scriptedGateway({
    now: () => gatewayNow() + headerAheadMs,
    request: range => void asked.push({ range, at: clock.elapsed() }),
    // it logs each minute, by its right clock
    entryAt: ({ after, until }) => {
      const newest = Math.floor(Math.min(until, gatewayNow()) / minute) * minute
      return newest > after ? newest : undefined
    },
  })
  const source = { ...scripted, hasOwnTime: () => headerAheadMs === 0 }
  const daemon = job(source, {
    limits: { pause: 0 },
    requests: { entries: 50_000, shortest: minute, longest: 6 * hour, per: 'auto', order: 'oldest' },
    maturity: { settle, lateness },
    demand: { kind: 'sync', sinceMs: since },
  })
  const place = { sink: sink.id, gateway: source.name }
  return {
    clock,
    asked,
    events,
    gatewayNow,
    move: (ms: number) => {
      offset += ms
    },
    pass: async () => {
      const { gateways } = await go([daemon])
      await clock.sleep(5 * minute)
      return gateways[0]!
    },
    coverage: () => ledger.coverage.of(place, [lux]).get(lux)!,
  }
}

type Site = ReturnType<typeof openSite>

/** True where each minute of gateway time lived from `began` on was asked for after it was over. */
function missesNothing({ asked, coverage }: Site, lived: readonly (readonly [gateway: number, elapsed: number])[]) {
  const { final, provisional } = coverage()
  const covered = final.add(provisional)
  return lived.filter(
    ([gateway, elapsed]) =>
      covered.covers({ after: gateway - 1, until: gateway }) &&
      !asked.some(({ range, at }) => range.after < gateway && gateway <= range.until && at >= elapsed),
  )
}

it.each([
  ['by seconds', 20_000, 0],
  ['by half an hour', 30 * minute, 0],
  ['by five hours', 5 * hour, 0],
  ['by five hours, with no lateness', 5 * hour, minute],
])('a clock that is set back %s within a pass hides nothing that is logged again', async (_, back, lateness) => {
  const site = openSite(lateness === 0 ? {} : { lateness })
  const lived: [number, number][] = []
  const live = async (passes: number) => {
    for (let n = 0; n < passes; n++) {
      lived.push([site.gatewayNow(), site.clock.elapsed()])
      await site.pass()
    }
  }
  await live(40)
  // the next request meets the jump between its plan and its end
  let isSet = false
  const { sleep } = site.clock
  site.clock.sleep = async (ms, signal) => {
    if (!isSet) {
      isSet = true
      site.move(-back)
      lived.push([site.gatewayNow(), site.clock.elapsed()])
    }
    await sleep.call(site.clock, ms, signal)
  }
  await live(Math.ceil((back + 3 * hour) / (5 * minute)))
  expect(missesNothing(site, lived)).toEqual([])
  expect(site.coverage().final.covers({ after: start, until: site.gatewayNow() - 3 * hour })).toBe(true)
})

it('a gateway that boots in 1970 is not asked and loses no proof, and goes on when its time is right', async () => {
  const site = openSite({ since: 30 * day })
  await site.pass()
  const { final } = site.coverage()
  const before = site.asked.length
  const lost = site.gatewayNow() - 2 * minute
  site.move(-lost)
  expect((await site.pass()).failure).toMatchObject({ code: 'gateway-clock-lost' })
  expect(site.asked.length).toBe(before)
  expect(site.coverage().final).toEqual(final)
  site.move(lost)
  expect((await site.pass()).failure).toBeUndefined()
  expect(site.coverage().final.covers(final.ranges[0]!)).toBe(true)
  // what was complete is not fetched again
  expect(site.asked.slice(before).every(({ range }) => range.after >= final.ranges.at(-1)!.until)).toBe(true)
})

it('setting the clock of the host takes nothing back and asks for nothing again', async () => {
  const site = openSite()
  for (let n = 0; n < 24; n++) await site.pass()
  const before = site.asked.length
  for (const ms of [3 * hour, -5 * hour, 56 * 365 * day, -56 * 365 * day, 2 * hour]) {
    site.clock.set(site.clock.now() + ms)
    await site.pass()
  }
  expect(site.events.filter(({ kind }) => kind === 'clock-set-back')).toEqual([])
  const asked = site.asked.slice(before).map(({ range }) => range)
  expect(asked.every(({ after }) => after >= start + 2 * hour - 3 * hour)).toBe(true)
  expect(asked.reduce((sum, { after, until }) => sum + until - after, 0)).toBeLessThanOrEqual(3 * hour)
})

it('a Date header that is ahead hides no entry: nothing is final before its time has come by either clock', async () => {
  const site = openSite({ headerAheadMs: 2 * hour, lateness: 0 })
  const lived: [number, number][] = []
  for (let n = 0; n < 48; n++) {
    lived.push([site.gatewayNow(), site.clock.elapsed()])
    await site.pass()
    expect((site.coverage().final.ranges.at(-1)?.until ?? 0) <= site.clock.now()).toBe(true)
  }
  expect(missesNothing(site, lived)).toEqual([])
  // new entries come as soon as they would from a gateway whose clock is right
  const { final, provisional } = site.coverage()
  expect(final.add(provisional).covers({ after: start, until: site.clock.now() - 10 * minute })).toBe(true)
  expect(final.covers({ after: start, until: site.clock.now() - hour })).toBe(true)
})
