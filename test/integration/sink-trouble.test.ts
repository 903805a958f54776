import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/cli/system-clock.ts'
import type { DataLogRequest } from '../../src/domain/request.ts'
import { openLedger } from '../../src/ledger/ledger.ts'
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts'
import { expectSame } from '../support/comparison.ts'
import { type Influxd, openInfluxd } from '../support/influxd.ts'
import { openSite, runProgram, type Site, startProgram } from '../support/program.ts'
import { noEnd } from '../support/scripted-gateway.ts'
import { cellsOfInfluxd } from '../support/stored-cells.ts'
import { expectedCells, gatewaySettings } from '../support/truth.ts'

const dayMs = 86_400_000
const until = Math.floor(Date.now() / dayMs) * dayMs
const after = until - 4 * dayMs
const range = ['--from', new Date(after).toISOString(), '--to', new Date(until).toISOString()]

let gateway: Simulator
let influxd: Influxd
let site: Site

beforeAll(async () => {
  gateway = await startSimulator({
    devices: 4,
    interval: 300,
    historyStart: after - dayMs,
    cost: { secondsPerRequest: 0, entriesPerSecond: 4_000 },
  })
  influxd = await openInfluxd({ maxBodySize: 20_000 })
})
afterAll(async () => {
  await influxd.close()
  await gateway.close()
})
beforeEach(async () => {
  await influxd.queryText('CREATE DATABASE "site"')
  site = await openSite({
    gateways: { g: gatewaySettings(gateway, ['*/*/*/*']) },
    sink: { influxdb: { version: 1, url: influxd.url, database: 'site', timeout: '2s' } },
  })
  return async () => {
    await site.remove()
    await influxd.queryText('DROP DATABASE "site"')
  }
})

/** A backfill that has begun to bring entries. */
async function startedBackfill() {
  const before = gateway.stats.entriesSent
  const program = startProgram(backfill())
  while (gateway.stats.entriesSent < before + 1_000) await pause(5)
  return program
}

const backfill = () => ['backfill', '--config', site.file, ...range, '--json']

async function expectWhole({ code, stdout, stderr }: { code: number | undefined; stdout: string; stderr: string }) {
  expect(code, stderr).toBe(0)
  const { received, written, rejected, complete } = JSON.parse(stdout)
  expect({ complete, rejected, written }).toEqual({ complete: true, rejected: 0, written: received })
  expectSame(await cellsOfInfluxd(influxd, 'site'), expectedCells(gateway.history, after, until))
  const verified = JSON.parse((await runProgram(['verify', '--config', site.file, '--json'])).stdout)
  expect(verified).toMatchObject({ equal: written, missing: 0, extra: 0, unknown: 0 })
}

describe('written + dead letters = received, and all of it is read back', () => {
  test('when the database takes small bodies only (413)', async () => {
    await expectWhole(await runProgram(backfill()))
  }, 60_000)

  test('when the database is restarted in the middle', async () => {
    const { ended } = await startedBackfill()
    await influxd.stop()
    await pause(1_000)
    await influxd.start()
    await expectWhole(await ended)
  }, 60_000)

  test('when the database stands still for longer than a timeout', async () => {
    const { ended } = await startedBackfill()
    influxd.signal('SIGSTOP')
    await pause(3_000)
    influxd.signal('SIGCONT')
    await expectWhole(await ended)
  }, 60_000)
})

test('no socket stays open on the gateway for a database that is away, status says so, and all of it comes', async () => {
  const { ended, child } = await startedBackfill()
  await influxd.stop()
  const stopped = Date.now()
  const activity = async () =>
    JSON.parse((await runProgram(['status', '--config', site.file, '--json'])).stdout).gateways.g.activity?.doing
  while (!/^waiting for the database since .*ECONNREFUSED/.test(await activity())) {
    expect(Date.now() - stopped).toBeLessThan(15_000)
    await pause(200)
  }
  while (gateway.stats.openLogSockets > 0) {
    expect(Date.now() - stopped).toBeLessThan(40_000)
    await pause(200)
  }
  const asked = gateway.stats.logRequests
  await pause(3_000)
  expect(gateway.stats.logRequests).toBe(asked)
  expect(await activity()).toMatch(/^waiting for the database since /)
  expect(child.exitCode).toBeNull()
  await influxd.start()
  await expectWhole(await ended)
}, 180_000)

test('what is older than the database keeps is said and not asked for', async () => {
  await influxd.queryText('ALTER RETENTION POLICY "autogen" ON "site" DURATION 60h SHARD DURATION 1h')
  const started = Date.now()
  const { code, stdout } = await runProgram(backfill())
  const { notKept, received, written, rejected, tooOld, warnings } = JSON.parse(stdout)
  const oldest = started - 60 * 3_600_000
  expect(notKept.after).toBe(new Date(after).toISOString())
  expect(Math.abs(Date.parse(notKept.until) - oldest)).toBeLessThan(20_000)
  expect(warnings.join()).toMatch(/keeps 2d12h: .* older and not fetched/)
  // the border moves on while the run works
  expect(rejected).toBe(tooOld)
  expect(received).toBe(written + rejected)
  expect(code).toBe(rejected === 0 ? 0 : 3)
  const stored = await cellsOfInfluxd(influxd, 'site')
  const wanted = expectedCells(gateway.history, oldest + 60_000, until)
  expect(stored.length).toBeGreaterThanOrEqual(wanted.length)
  const beyond = await runProgram(['backfill', '--config', site.file, '--from', '4d', '--to', '3d'])
  expect(beyond.code).toBe(2)
  expect(beyond.stderr).toMatch(/all of what is asked for is older/)
}, 60_000)

test('a parked range that the database keeps no longer is not fetched by retry', async () => {
  const parkedUntil = Date.now() - 3 * 3_600_000
  const ledger = openLedger(join(site.folder, 'data/ledger.db'), systemClock)
  const request: DataLogRequest = {
    gateway: 'g',
    selectors: [{}],
    range: { after: parkedUntil - 3_600_000, until: parkedUntil },
  }
  ledger.parked.park(`influxdb:${influxd.url}/site`, request, noEnd(), 3)
  ledger.close()
  await influxd.queryText('ALTER RETENTION POLICY "autogen" ON "site" DURATION 2h SHARD DURATION 1h')
  const asked = gateway.stats.logRequests
  const { code, stderr } = await runProgram(['retry', '--config', site.file])
  expect(stderr).toMatch(/keeps 2h: 1 parked range is older and not fetched/)
  expect(code).toBe(3)
  await runProgram(['retry', '--config', site.file, '--json'])
  expect(gateway.stats.logRequests).toBe(asked)
}, 60_000)
