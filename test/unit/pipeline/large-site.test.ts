import { expect, it } from 'vitest'
import type { Frame } from '../../../src/domain/entry.ts'
import type { DataLogRequest } from '../../../src/domain/request.ts'
import { logFrame } from '../../support/log-frames.ts'
import { day, hour, lux, minute, openPipeline } from '../../support/pipeline.ts'
import { noEnd, scriptedGateway } from '../../support/scripted-gateway.ts'

const names = Array.from({ length: 180 }, (_, i) => `Sensor ${i + 1}`)
const selectors = names.map(name => ({ ...lux, device: { name } }))

/** A gateway of 180 devices that log once an hour; `isWanted` false: as many others log ten times as often. */
function openSite({ others = 0, sick, since = day }: { others?: number; sick?: string; since?: number } = {}) {
  const { clock, job, go, covered, ledger } = openPipeline()
  const site = { others }
  const asked: DataLogRequest[] = []
  const source = {
    ...scriptedGateway({ now: clock.now }),
    async *readDataLog(request: DataLogRequest): AsyncGenerator<readonly Frame[]> {
      asked.push(request)
      const { after, until } = request.range
      const of = new Set(request.selectors.map(({ device }) => device && 'name' in device && device.name))
      if (sick !== undefined && of.has(sick)) throw noEnd()
      const isWide = of.size > 1
      for (let at = Math.ceil((after + 1) / hour) * hour; at <= until; at += hour) {
        const present = isWide ? names : names.filter(name => of.has(name))
        yield present.map(deviceName => frameOf(at, deviceName))
        if (isWide && site.others > 0) yield Array.from({ length: site.others }, (_, i) => frameOf(at, `Other ${i}`))
      }
    },
  }
  const requests = { entries: 50_000, shortest: minute, longest: 30 * day, per: 'auto', order: 'oldest' } as const
  const demand = { kind: 'sync', sinceMs: since } as const
  const limits = { sockets: 1, pause: 0, requestsPerMinute: 600 }
  const first = job(source, { selectors, requests, demand, limits, maturity: { settle: 0, lateness: 0 } })
  return Object.assign(site, {
    clock,
    covered,
    ledger,
    async pass() {
      asked.length = 0
      const outcome = await go([first])
      return { requests: asked.length, outcome: outcome.gateways[0]! }
    },
  })
}

function frameOf(at: number, deviceName: string): string {
  return JSON.stringify({ ...JSON.parse(logFrame(at)), deviceName })
}

it('asks for a site that is wanted as a whole in a few requests a pass', async () => {
  const { clock, pass, covered } = openSite()
  expect((await pass()).requests).toBeLessThanOrEqual(5)
  clock.advance(2 * hour)
  expect((await pass()).requests).toBe(1)
  expect(covered('plant-a', selectors[77]!).ranges).toEqual([{ after: clock.now() - 26 * hour, until: clock.now() }])
})

it('goes back to one request a device where most of what comes is not wanted, and stays there', async () => {
  const { clock, pass } = openSite({ others: 400 })
  const { outcome } = await pass()
  expect(outcome).toMatchObject({ failure: undefined, leftMs: 0 })
  clock.advance(6 * hour)
  const again = await pass()
  expect(again.requests).toBe(180)
  expect(again.outcome.receipt.outside).toBe(0)
})

it('asks together even there for a range of which few entries come in vain: a request costs more', async () => {
  const { clock, pass } = openSite({ others: 400 })
  await pass()
  for (let i = 0; i < 3; i++) {
    clock.advance(hour)
    const again = await pass()
    expect(again.requests).toBe(1)
    expect(again.outcome.receipt.outside).toBe(400)
  }
})

it('judges small requests by what several of them have brought', async () => {
  const site = openSite({ others: 400, since: 2 * hour })
  const shareOf = () => site.ledger.memory.shareOf('plant-a')
  await site.pass()
  const first = shareOf()
  expect(first).toMatchObject({ received: 1160, outside: 800 })
  expect(site.ledger.memory.widthOf('plant-a', '*')).toBe('narrow')
  // the others are gone: nearly all of what comes is wanted again
  site.others = 0
  for (let i = 0; i < 8; i++) {
    site.clock.advance(hour)
    await site.pass()
  }
  expect(shareOf()!.outside).toBe(0)
  expect(site.ledger.memory.widthOf('plant-a', '*')).toBe('wide')
  site.clock.advance(6 * hour)
  expect((await site.pass()).requests).toBe(1)
})

it('does not let one device that fails cost the others their range', async () => {
  const { clock, pass, covered } = openSite({ sick: 'Sensor 3' })
  await pass()
  expect(covered('plant-a', selectors[77]!).covers({ after: clock.now() - day, until: clock.now() - hour })).toBe(true)
  expect(covered('plant-a', selectors[2]!).isEmpty).toBe(true)
})
