import { describe, expect, test } from 'vitest'
import { CpuMeter } from '../../../src/smartserver/cpu.ts'
import { askedGateway } from '../../support/asked.ts'
import { steeredClock } from '../../support/steered-clock.ts'

const turn = () => new Promise(setImmediate)
const rates = { raw: 'UPD:EPS', kind: 'events-per-second', rates: { '': 3 } } as const
const cpu = (percents: Record<string, number>) => ({ raw: 'UPD:SC:CPU', kind: 'cpu', percents }) as const

function meter(storage: unknown, publishing: () => number = () => 204) {
  const clock = steeredClock()
  const gateway = askedGateway(path => (path === '/iap/storage' ? storage : publishing()))
  const stop = new AbortController()
  return { clock, gateway, stop, meter: new CpuMeter({ clock, gateway, signal: stop.signal }) }
}

describe("the gateway's CPU", () => {
  test('is heard from the socket, of a single segment controller', () => {
    const it = meter(404)
    it.meter.note(cpu({ sc1: 42 }))
    expect(it.meter.current()).toEqual({ percent: 42, at: it.clock.now() })
    it.meter.note(cpu({ sc1: 1, sc2: 99 }))
    expect(it.meter.current()?.percent).toBe(42)
  })

  /** Event rates every five seconds, for so long. */
  async function letEventsFlow(it: ReturnType<typeof meter>, seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second += 5) {
      it.meter.note(rates)
      it.clock.advance(5_000)
      await turn()
    }
  }

  test('is published on request again after the socket was opened anew, but not more than once a minute', async () => {
    const it = meter(404)
    for (const [seconds, calls] of [
      [300, 1],
      [300, 2],
      [20, 3],
      [20, 3],
      [30, 4],
    ] as const) {
      it.meter.opened()
      await letEventsFlow(it, seconds)
      expect(it.gateway.calls).toHaveLength(calls)
    }
  })

  test('is published on request again where it came and then stopped', async () => {
    const it = meter(404)
    await letEventsFlow(it, 300)
    for (let i = 0; i < 60; i++) {
      it.meter.note(rates)
      it.clock.advance(2_000)
      it.meter.note(cpu({ sc1: 5 }))
      it.clock.advance(3_000)
      await turn()
    }
    expect(it.gateway.calls).toHaveLength(1)
    await letEventsFlow(it, 300)
    expect(it.gateway.calls).toHaveLength(2)
  })

  test('is published on request once more after a failure, soon or late as the failure says', async () => {
    for (const [status, calls] of [
      [503, 5],
      [403, 1],
    ] as const) {
      const it = meter(404, () => status)
      await letEventsFlow(it, 300)
      expect(it.gateway.calls).toHaveLength(calls)
    }
  })

  test('is published on request, once, where event rates come without it', async () => {
    const it = meter(404)
    for (let i = 0; i < 3; i++) {
      it.meter.note(rates)
      it.clock.advance(5_000)
      await turn()
    }
    expect(it.gateway.calls).toEqual(['PUT /iap/storage/publishes/true'])
  })

  test('is not asked for where it comes by itself', async () => {
    const it = meter(404)
    it.meter.note(rates)
    it.clock.advance(2_000)
    it.meter.note(cpu({ '': 10 }))
    it.clock.advance(10_000)
    await turn()
    expect(it.gateway.calls).toEqual([])
  })

  test('is asked by REST at most every half minute, while it is wanted and the socket is silent', async () => {
    const it = meter({ cpuUtilization: { SmartServer: 55 } })
    it.clock.advance(300_000)
    await turn()
    expect(it.gateway.calls).toHaveLength(0)
    expect(it.meter.current()).toBeUndefined()
    await turn()
    for (let second = 0; second < 30; second++) {
      expect(it.meter.current()?.percent).toBe(55)
      it.clock.advance(1_000)
    }
    expect(it.gateway.calls).toHaveLength(1)
    it.meter.note(cpu({ '': 20 }))
    expect(it.meter.current()?.percent).toBe(20)
    expect(it.gateway.calls).toHaveLength(1)
    it.clock.advance(30_000)
    it.meter.current()
    expect(it.gateway.calls).toHaveLength(2)
  })

  test('is not known any more when the general socket is lost: a gateway that has died must not seem busy', async () => {
    const it = meter(503)
    it.meter.note(cpu({ SmartServer: 99 }))
    expect(it.meter.current()?.percent).toBe(99)
    it.meter.lost()
    expect(it.meter.current()).toBeUndefined()
  })

  test('is asked anew when the host’s clock was set back', async () => {
    const it = meter({ cpuUtilization: { SmartServer: 95 } })
    it.meter.current()
    await turn()
    it.clock.set(it.clock.now() - 3_600_000)
    it.meter.current()
    await turn()
    expect(it.gateway.calls).toHaveLength(2)
    expect(it.meter.current()?.at).toBe(it.clock.now())
  })

  test('is asked anew then, once, also where it could not tell before', async () => {
    const it = meter(503)
    it.meter.current()
    await turn()
    it.clock.set(it.clock.now() - 3_600_000)
    it.meter.current()
    await turn()
    expect(it.gateway.calls).toHaveLength(2)
    // and no more than once
    it.meter.current()
    await turn()
    expect(it.gateway.calls).toHaveLength(2)
  })

  test('is not asked again of a release without it, nor soon where it is refused, but of one that is busy', async () => {
    for (const [storage, calls] of [
      [{ dataLogSize: 5 }, 1],
      [403, 1],
      [503, 3],
    ] as const) {
      const it = meter(storage)
      for (let i = 0; i < 3; i++) {
        expect(it.meter.current()).toBeUndefined()
        await turn()
        it.clock.advance(30_000)
      }
      expect(it.gateway.calls).toHaveLength(calls)
    }
  })
})
