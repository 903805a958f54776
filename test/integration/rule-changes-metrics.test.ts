import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts'
import { openSite, runProgram, type Site } from '../support/program.ts'
import { gatewaySettings } from '../support/truth.ts'
import { openVictoriaMetrics, type VictoriaMetrics } from '../support/victoria-metrics.ts'

const dayMs = 86_400_000
const until = Math.floor(Date.now() / dayMs) * dayMs
const span = ['--from', new Date(until - dayMs).toISOString(), '--to', new Date(until).toISOString()]

let gateway: Simulator
let database: VictoriaMetrics
let site: Site

beforeEach(async () => {
  site = await openSite()
  database = await openVictoriaMetrics({ dedup: '1ms' })
  gateway = await startSimulator({ devices: 1, interval: 300, historyStart: until - 2 * dayMs })
})
afterEach(async () => {
  await gateway.close()
  await database.close()
  await site.remove()
})

async function run(rule: object, ...args: string[]) {
  const light = { device: 'Sensor 1', block: 'LightSensor', index: 0, datapoint: 'nvoLuxLevel', ...rule }
  await site.configure({
    gateways: { g: gatewaySettings(gateway, [light]) },
    sink: { influxdb: { url: database.url, version: 2, server: 'victoria-metrics' } },
  })
  const { code, stdout } = await runProgram([...args, '--config', site.file, '--json'])
  return { code, ...(stdout === '' ? {} : JSON.parse(stdout)) }
}

test('a database that cannot replace a value takes the past by a new rule into another measurement alone', async () => {
  expect(await run({}, 'backfill', ...span)).toMatchObject({ code: 0, complete: true })
  expect(await run({ scale: 0.5 }, 'rule', 'remap')).toEqual({ code: 3 })
  const renamed = { scale: 0.5, measurement: 'light' }
  expect(await run(renamed, 'rule', 'remap')).toMatchObject({ code: 0 })
  expect(await run(renamed, 'backfill', ...span)).toMatchObject({ code: 0, complete: true, written: 288 })
  expect(await run(renamed, 'forget', '--yes')).toMatchObject({ code: 0, forgotten: 288 })
  expect(await database.export('{__name__="datalog_value"}')).toEqual([])
  expect(await run(renamed, 'verify', '--full')).toMatchObject({ code: 0, conclusion: 'equal' })
})
