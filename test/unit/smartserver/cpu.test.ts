import { describe, expect, test } from 'vitest'
import { CpuMeter } from '../../../src/smartserver/cpu.ts'
import { askedGateway } from '../../support/asked.ts'
import { steeredClock } from '../../support/steered-clock.ts'

const turn = () => new Promise(setImmediate)
const rates = { raw: 'UPD:EPS', kind: 'events-per-second', rates: { '': 3 } } as const
const cpu = (percents: Record<string, number>) => ({ raw: 'UPD:SC:CPU', kind: 'cpu', percents }) as const

function meter(storage: unknown) {
  const clock = steeredClock()
  const gateway = askedGateway(path => (path === '/iap/storage' ? storage : 204))
  const stop = new AbortController()
  return { clock, gateway, stop, meter: new CpuMeter({ clock, gateway }) }
}

describe("the gateway's CPU", () => {
  test('is heard from the socket, of a single segment controller', () => {
    const it = meter(404)
    it.meter.note(cpu({ sc1: 42 }), it.stop.signal)
    expect(it.meter.current()).toEqual({ percent: 42, at: it.clock.now() })
    it.meter.note(cpu({ sc1: 1, sc2: 99 }), it.stop.signal)
    expect(it.meter.current()?.percent).toBe(42)
  })

  test('is published on request, once, where event rates come without it', async () => {
    const it = meter(404)
    for (let i = 0; i < 3; i++) {
      it.meter.note(rates, it.stop.signal)
      it.clock.advance(5_000)
      await turn()
    }
    expect(it.gateway.calls).toEqual(['PUT /iap/storage/publishes/true'])
  })

  test('is not asked for where it comes by itself', async () => {
    const it = meter(404)
    it.meter.note(rates, it.stop.signal)
    it.clock.advance(2_000)
    it.meter.note(cpu({ '': 10 }), it.stop.signal)
    it.clock.advance(10_000)
    await turn()
    expect(it.gateway.calls).toEqual([])
  })

  test('is asked by REST every half minute, while it is wanted and the socket is silent', async () => {
    const it = meter({ cpuUtilization: { SmartServer: 55 } })
    const polling = it.meter.poll(it.stop.signal)
    await turn()
    expect(it.gateway.calls).toHaveLength(0)
    it.meter.current()
    it.clock.advance(30_000)
    await turn()
    expect(it.meter.current()?.percent).toBe(55)
    it.clock.advance(300_000)
    await turn()
    const asked = it.gateway.calls.length
    it.clock.advance(300_000)
    await turn()
    expect(it.gateway.calls.length).toBe(asked)
    it.stop.abort()
    await polling
  })

  test('is not asked again of a release that has no such member', async () => {
    const it = meter({ dataLogSize: 5 })
    it.clock.runFreely()
    it.meter.current()
    await it.meter.poll(it.stop.signal)
    expect(it.gateway.calls).toHaveLength(1)
  })
})
