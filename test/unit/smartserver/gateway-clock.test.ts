import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { GatewayClock } from '../../../src/smartserver/gateway-clock.ts'
import { steeredClock } from '../../support/steered-clock.ts'

const start = Date.UTC(2026, 0, 31, 8, 0, 0, 400)
const skewMs = 90_250

/** What a gateway ahead of the host by `skewMs` shows at this moment of the host. */
const dateHeader = (hostMs: number) => new Date(hostMs + skewMs).toUTCString()
const timeText = (hostMs: number) => new Date(hostMs + skewMs).toISOString().replace('Z', 'Z[UTC]')

describe("the gateway's clock", () => {
  test("is the host's until the gateway has answered", () => {
    const clock = new GatewayClock(steeredClock(start))
    expect([clock.now(), clock.offsetMs]).toEqual([start, undefined])
  })

  test('is known to a second by a Date header, and to a millisecond by a time that shows them', () => {
    const host = steeredClock(start)
    const clock = new GatewayClock(host)
    clock.look().date(dateHeader(host.now()))
    expect(skewMs - clock.offsetMs!).toBe(650)
    clock.look().time(timeText(host.now()))
    expect(clock.offsetMs).toBe(skewMs)
  })

  test('has whole milliseconds and is not early where elapsed time has fractions, as on a real host', () => {
    const host = steeredClock(start)
    let fraction = 0.7117
    const clock = new GatewayClock({ ...host, elapsed: () => host.elapsed() + fraction })
    clock.look().time(timeText(host.now()))
    host.advance(1_000)
    fraction = 0.25
    expect(Number.isInteger(clock.now())).toBe(true)
    expect([0, 1]).toContain(host.now() + skewMs - clock.now())
  })

  test('stays at its finest sight while headers agree', () => {
    const host = steeredClock(start)
    const clock = new GatewayClock(host)
    clock.look().time(timeText(host.now()))
    host.advance(12_345)
    clock.look().date(dateHeader(host.now()))
    expect(clock.offsetMs).toBe(skewMs)
  })

  test('follows a clock that was set back, and one that was set forward', () => {
    for (const changeMs of [-3_600_000, 3_600_000]) {
      const host = steeredClock(start)
      const clock = new GatewayClock(host)
      clock.look().time(timeText(host.now()))
      clock.look().date(dateHeader(host.now() + changeMs))
      expect(Math.abs(clock.offsetMs! - skewMs - changeMs)).toBeLessThan(1_000)
    }
  })

  test('is never early, however long answers take and whatever source shows it', () => {
    const sights = fc.array(fc.record({ afterMs: fc.nat(60_000), delayMs: fc.nat(20_000), isFine: fc.boolean() }))
    fc.assert(
      fc.property(sights, seen => {
        const host = steeredClock(start)
        const clock = new GatewayClock(host)
        for (const { afterMs, delayMs, isFine } of seen) {
          host.advance(afterMs)
          const look = clock.look()
          const shownAt = host.now()
          host.advance(delayMs)
          if (isFine) look.time(timeText(shownAt))
          else look.date(dateHeader(shownAt))
          expect(clock.now()).toBeLessThanOrEqual(host.now() + skewMs)
        }
      }),
    )
  })

  test('keeps its time when the clock of the host is set', () => {
    const host = steeredClock(start)
    const clock = new GatewayClock(host)
    clock.look().time(timeText(host.now()))
    host.set(start - 7_200_000)
    host.advance(60_000)
    expect(clock.now()).toBe(start + skewMs + 60_000)
    expect(clock.offsetMs).toBe(skewMs + 7_200_000)
  })

  test('is not set back by an answer that took long, and follows one that was set back by a few seconds', () => {
    const host = steeredClock(start)
    const clock = new GatewayClock(host)
    clock.look().time(timeText(host.now()))
    const look = clock.look()
    const shown = timeText(host.now())
    host.advance(40_000)
    look.time(shown)
    expect(clock.offsetMs).toBe(skewMs)
    clock.look().time(timeText(host.now() - 5_000))
    expect(clock.offsetMs).toBe(skewMs - 5_000)
  })

  test('is left as it is by what is no time', () => {
    const clock = new GatewayClock(steeredClock(start))
    clock.look().date('soon')
    clock.look().time('2026-01-31 08:00:00.000 Europe/Kirov')
    expect(clock.offsetMs).toBeUndefined()
  })
})
