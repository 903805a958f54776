import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts'
import { openSite, runProgram, type Site } from '../support/program.ts'
import { gatewaySettings } from '../support/truth.ts'

const dayMs = 86_400_000
const until = Math.floor(Date.now() / dayMs) * dayMs
const span = ['--from', new Date(until - dayMs).toISOString(), '--to', new Date(until).toISOString()]

let gateway: Simulator
let site: Site

beforeEach(async () => {
  site = await openSite()
})
afterEach(async () => {
  await gateway.close()
  await site.remove()
})

async function json(...args: string[]) {
  const { code, stdout, stderr } = await runProgram([...args, '--config', site.file, '--json'])
  if (stdout === '') throw new Error(`${code} ${stderr}`)
  return { code, ...JSON.parse(stdout) }
}

async function start(options: object, datapoints: readonly unknown[]): Promise<void> {
  gateway = await startSimulator({ devices: 3, interval: 300, historyStart: until - 2 * dayMs, ...options })
  await site.configure({
    gateways: { g: gatewaySettings(gateway, datapoints) },
    sink: { sqlite: { path: 'points.db' } },
  })
}

test('numbers that no float holds are counted, and verify says that they are rounded', async () => {
  await start({ oddities: { bigNumbers: 0.5 } }, ['Meter 3/EnergyMeter/0/nvoPower'])
  const run = await json('backfill', ...span)
  expect(run).toMatchObject({ code: 0, remarks: [{ datapoint: 'Meter 3/EnergyMeter/0/nvoPower', kind: 'rounded' }] })
  expect(run.rounded).toBeGreaterThan(20)
  expect(run.remarks[0].entries).toBe(run.rounded)
  const { gateways } = await json('status')
  expect(gateways.g.remarks).toMatchObject([{ kind: 'rounded', entries: run.rounded }])
  expect(await json('verify', '--full')).toMatchObject({
    code: 0,
    conclusion: 'equal',
    rounded: run.rounded,
    gateways: [{ remarks: [{ kind: 'rounded', entries: run.rounded }] }],
  })
})

test('type: text keeps all digits of a number', async () => {
  await start({ oddities: { bigNumbers: 0.5 } }, [
    { device: 'Meter 3', block: 'EnergyMeter', index: 0, datapoint: 'nvoPower', type: 'text' },
  ])
  expect(await json('backfill', ...span)).toMatchObject({ code: 0, rejected: 0, rounded: 0 })
  expect(await json('verify', '--full')).toMatchObject({ code: 0, conclusion: 'equal', rounded: 0 })
})

test('a text that a misspelt enumeration does not map is counted and named', async () => {
  const occupancy = 'Sensor 1/OccupancySensor/0/Occupancy'
  const [device, block, index, datapoint] = occupancy.split('/')
  await start({}, [
    { device, block, index: Number(index), datapoint, enumeration: { OC_OCCUPIED: 1, OC_UNOCUPIED: 0 } },
  ])
  const run = await json('backfill', ...span)
  expect(run).toMatchObject({ remarks: [{ datapoint: occupancy, kind: 'unmapped', texts: ['OC_UNOCCUPIED'] }] })
  expect(run.unmapped).toBeGreaterThan(10)
})
