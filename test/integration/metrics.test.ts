import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts'
import { freePort } from '../support/free-port.ts'
import { openSite, runProgram, type Site, startProgram } from '../support/program.ts'
import { gatewaySettings } from '../support/truth.ts'

let gateway: Simulator
let site: Site

beforeAll(async () => {
  gateway = await startSimulator({ devices: 2, clockSkewMs: -600_000 })
})
afterAll(() => gateway.close())
beforeEach(async () => {
  site = await openSite()
  return () => site.remove()
})

const settings = (listen: string) => ({
  gateways: { g: gatewaySettings(gateway, ['*/*/*/*']) },
  sync: { every: '1s', since: '1d' },
  metrics: { listen },
})

test('sync shows what it counts, and the clock of each gateway, to any client, and no secret', async () => {
  const listen = `127.0.0.1:${await freePort()}`
  await site.configure(settings(listen))
  const { child, ended } = startProgram(['sync', '--config', site.file])
  const metrics = async () => {
    const answer = await fetch(`http://${listen}/metrics`).catch(() => undefined)
    return answer === undefined ? '' : await answer.text()
  }
  await expect
    .poll(metrics, { timeout: 40_000, interval: 200 })
    .toMatch(/^smartserver_etl_passes_total\{gateway="g",ended="complete"\} [1-9]/m)
  const text = await metrics()
  const sampleOf = (sample: string) => Number(new RegExp(`^smartserver_etl_${sample} (\\S+)$`, 'm').exec(text)?.[1])
  expect(sampleOf('entries_total\\{gateway="g",fate="written"\\}')).toBeGreaterThan(1_000)
  expect(Math.abs(sampleOf('clock_difference_seconds\\{gateway="g"\\}') + 600)).toBeLessThan(3)
  expect(
    Math.abs(Date.now() / 1000 - 600 - sampleOf('complete_until_timestamp_seconds\\{gateway="g"\\}')),
  ).toBeLessThan(300)
  expect(text).toMatch(/^process_resident_memory_bytes \d/m)
  expect(text).not.toContain('secret')
  expect((await fetch(`http://${listen}/`)).status).toBe(404)
  child.kill('SIGTERM')
  const { code, stderr } = await ended
  expect(code).toBe(0)
  expect(stderr).toContain(`http://${listen}/metrics`)
})

test('a port that is taken is one clear message before anything is asked', async () => {
  const { port } = new URL(gateway.url)
  const before = gateway.stats.requests
  await site.configure(settings(`127.0.0.1:${port}`))
  const { code, stderr } = await runProgram(['sync', '--config', site.file])
  expect(code).toBe(1)
  expect(stderr).toMatch(
    /^metrics\.listen: cannot listen at 127\.0\.0\.1:\d+ \(EADDRINUSE\)\n {2}Check whether the port is in use/,
  )
  expect(stderr).not.toMatch(/\n\s+at .*:\d+/)
  expect(gateway.stats.requests).toBe(before)
})
