import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts'
import { openSite, runProgram, type Site } from '../support/program.ts'
import { gatewaySettings } from '../support/truth.ts'

const dayMs = 86_400_000
const until = Math.floor(Date.now() / dayMs) * dayMs
const iso = (ms: number) => new Date(ms).toISOString()
const light = 'Sensor 1/LightSensor/0/nvoLuxLevel'

let gateway: Simulator
let site: Site

beforeEach(async () => {
  site = await openSite()
  gateway = await startSimulator({ devices: 3, interval: 300, historyStart: until - 5 * dayMs })
  await site.configure({
    gateways: { g: gatewaySettings(gateway, [light, 'Meter 3/EnergyMeter/0/nvoPower']) },
    sink: { sqlite: { path: 'points.db' } },
  })
})
afterEach(async () => {
  await gateway.close()
  await site.remove()
})

async function json(...args: string[]) {
  const { code, stdout, stderr } = await runProgram([...args, '--config', site.file, '--json'])
  if (stdout === '') throw new Error(stderr)
  return { code, ...JSON.parse(stdout) }
}

const backfill = (from: number, to: number) => json('backfill', '--from', iso(from), '--to', iso(to))

async function finalOf(datapoint: string): Promise<unknown> {
  const { gateways } = await json('status')
  return gateways.g.datapoints.find((it: { datapoint: string }) => it.datapoint === datapoint).final
}

const before = [until - 3 * dayMs, until - 2 * dayMs] as const
const since = [until - 2 * dayMs, until] as const
const perDay = 288

test.each([
  ['a device', { device: 'Sensor 1', to: 'Sensor One' }],
  ['a datapoint, which its log rule does not tell,', { device: 'Sensor 1', xif: 'nvoLuxLevel', to: 'Brightness' }],
])('%s that is renamed between two backfills leaves no time complete that was never seen', async (_, rename) => {
  expect(await backfill(...before)).toMatchObject({ code: 0, complete: true })
  const proven = [{ after: iso(before[0]), until: iso(before[1]) }]
  expect(await finalOf(light)).toEqual(proven)
  gateway.change({ rename })
  expect(await backfill(...since)).toMatchObject({ code: 3, complete: false, written: 2 * perDay })
  expect(await finalOf(light)).toEqual(proven)
  expect(await finalOf('Meter 3/EnergyMeter/0/nvoPower')).toEqual([{ after: iso(before[0]), until: iso(until) }])
})
