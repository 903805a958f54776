import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts'
import { openSite, type Running, type Site, startProgram } from '../../support/program.ts'
import { gatewaySettings } from '../../support/truth.ts'

let gateway: Simulator
let site: Site
let running: Running | undefined

beforeEach(async () => {
  gateway = await startSimulator({ devices: 4, interval: 60, statusMs: 50, cost: { secondsPerRequest: 0.1 } })
  site = await openSite()
})
afterEach(async () => {
  running?.child.kill('SIGKILL')
  await gateway.close()
  await site.remove()
})

const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))

async function backfill({ limits = {}, ...change }: { limits?: object; generalSocket?: boolean }): Promise<Running> {
  const settings = { ...gatewaySettings(gateway, ['*/*/*/*'], limits), ...change }
  await site.configure({ gateways: { g: settings }, requests: { longest: '2h' } })
  running = startProgram(['backfill', '--json', '--config', site.file, '--from', '1d'])
  return running
}

test('a backfill leaves a busy gateway alone, and goes on when its CPU has come down', async () => {
  gateway.setCpu(95)
  const { ended } = await backfill({})
  while (gateway.stats.logRequests === 0) await pause(20)
  await pause(1_500)
  const asked = gateway.stats.logRequests
  await pause(2_500)
  expect(gateway.stats.logRequests).toBe(asked)
  gateway.setCpu(80)
  await pause(2_500)
  expect(gateway.stats.logRequests).toBe(asked)
  gateway.setCpu(20)
  const { code, stdout } = await ended
  expect([code, JSON.parse(stdout).complete]).toEqual([0, true])
  expect(gateway.stats.logRequests).toBeGreaterThan(asked)
}, 60_000)

test('a busy gateway is asked all the same where the limit is off', async () => {
  gateway.setCpu(99)
  const { ended } = await backfill({ limits: { pauseAboveCpu: 'off' } })
  expect((await ended).code).toBe(0)
}, 60_000)

test('a backfill needs no general socket: it is an aid', async () => {
  gateway.setCpu(10)
  const { ended } = await backfill({ generalSocket: false })
  expect((await ended).code).toBe(0)
}, 60_000)
