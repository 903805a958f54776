import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts'
import { expectHolds, expectSame } from '../support/comparison.ts'
import { type Influxd, openInfluxd } from '../support/influxd.ts'
import { openSite, runProgram, type Site, startProgram } from '../support/program.ts'
import { cellsOfInfluxd, cellsOfSqlite } from '../support/stored-cells.ts'
import { allDatapoints, type Cell, expectedCells, gatewaySettings } from '../support/truth.ts'

const dayMs = 86_400_000
const until = Math.floor(Date.now() / dayMs) * dayMs
const after = until - 30 * dayMs
const kills = 10
const range = ['--from', new Date(after).toISOString(), '--to', new Date(until).toISOString()]

interface Status {
  readonly gateways: {
    readonly g: { readonly datapoints: readonly { datapoint: string; final: { after: string; until: string }[] }[] }
  }
}

/** Whatever the ledger calls final must be in the database at this moment, to the last entry. */
async function expectLedgerIsTrue(site: Site, gateway: Simulator, actual: readonly Cell[]): Promise<number> {
  const { stdout } = await runProgram(['status', '--config', site.file, '--json'])
  const { datapoints } = (JSON.parse(stdout) as Status).gateways.g
  let claimed = 0
  for (const { datapoint, final } of datapoints)
    for (const part of final) {
      const wanted = expectedCells(gateway.history, Date.parse(part.after), Date.parse(part.until), entry => {
        const { device, block, index, name, xif } = entry.datapoint
        return `${device}/${block}/${index}/${name ?? xif}` === datapoint
      })
      expectHolds(actual, wanted)
      claimed += wanted.length
    }
  return claimed
}

async function workBegins({ stats }: Simulator): Promise<void> {
  const asked = stats.logRequests
  for (let tries = 0; tries < 1_000 && stats.logRequests === asked; tries++) await pause(10)
}

/** The moments are random, so what is killed differs from run to run; what is compared afterwards does not. */
async function killAndResume(site: Site, gateway: Simulator, readBack: () => Promise<Cell[]>): Promise<void> {
  const claims: number[] = []
  for (let i = 0; i < kills; i++) {
    const { child, ended } = startProgram(['backfill', '--config', site.file, ...range])
    // now and then while it starts, else in the midst of the work, however long a busy machine takes to get there
    if (i % 4 < 3) await Promise.race([workBegins(gateway), ended])
    await pause(Math.random() * 800)
    child.kill('SIGKILL')
    await ended
    claims.push(await expectLedgerIsTrue(site, gateway, await readBack()))
  }
  const { code } = await runProgram(['backfill', '--config', site.file, ...range])
  expect(code).toBe(0)
  const expected = expectedCells(gateway.history, after, until)
  expectSame(await readBack(), expected)
  expect(await expectLedgerIsTrue(site, gateway, expected)).toBe(expected.length)
  // the kills must have fallen into the work, or nothing was tested
  expect(claims.some(claimed => claimed > 0 && claimed < expected.length)).toBe(true)
}

describe('killed ten times at random moments and resumed, a backfill ends with the same database', () => {
  let gateway: Simulator
  let influxd: Influxd
  let site: Site

  beforeAll(async () => {
    site = await openSite()
    influxd = await openInfluxd({ database: 'site' })
    gateway = await startSimulator({
      devices: 6,
      interval: 600,
      historyStart: after - dayMs,
      cost: { secondsPerRequest: 0.05, entriesPerSecond: 7_500 },
    })
  })
  afterAll(async () => {
    await gateway.close()
    await influxd.close()
    await site.remove()
  })

  test('in InfluxDB 1.6.7', async () => {
    await site.configure({
      gateways: { g: gatewaySettings(gateway, allDatapoints(gateway)) },
      sink: { influxdb: { version: 1, url: influxd.url, database: 'site' } },
      ledger: 'influx-ledger.db',
      requests: { longest: '2d' },
    })
    await killAndResume(site, gateway, () => cellsOfInfluxd(influxd, 'site'))
  }, 180_000)

  test('in the embedded database', async () => {
    const path = join(site.folder, 'points.db')
    await site.configure({
      gateways: { g: gatewaySettings(gateway, allDatapoints(gateway)) },
      sink: { sqlite: { path } },
      ledger: 'sqlite-ledger.db',
      requests: { longest: '2d' },
    })
    await killAndResume(site, gateway, async () => cellsOfSqlite(path))
  }, 180_000)
})
