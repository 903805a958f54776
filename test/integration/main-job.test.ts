import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts'
import { expectSame } from '../support/comparison.ts'
import { type Influxd, openInfluxd } from '../support/influxd.ts'
import { openSite, runProgram, type Site } from '../support/program.ts'
import { cellsOfInfluxd, cellsOfSqlite, cellsOfVictoriaMetrics } from '../support/stored-cells.ts'
import { allDatapoints, type Cell, expectedCells, gatewaySettings } from '../support/truth.ts'
import { openVictoriaMetrics, type VictoriaMetrics } from '../support/victoria-metrics.ts'

const dayMs = 86_400_000
const until = Math.floor(Date.now() / dayMs) * dayMs
const after = until - 30 * dayMs
const range = ['--from', new Date(after).toISOString(), '--to', new Date(until).toISOString()]

interface Receipt {
  readonly complete: boolean
  readonly requests: number
  readonly received: number
  readonly outside: number
  readonly duplicate: number
  readonly empty: number
  readonly written: number
  readonly rejected: number
}

async function backfill(site: Site): Promise<Receipt> {
  const { code, stdout, stderr } = await runProgram(['backfill', '--config', site.file, ...range, '--json'])
  expect(stderr).toBe('')
  expect(code).toBe(0)
  return JSON.parse(stdout) as Receipt
}

/** The promise of the project: all of a month, to the last digit, and again and again without a change. */
async function expectThreeEqualRuns(
  site: Site,
  readBack: () => Promise<Cell[]>,
  expected: readonly Cell[],
  entries: number,
) {
  const first = await backfill(site)
  expect(first).toMatchObject({ complete: true, written: entries, rejected: 0 })
  // a datapoint is not filtered by its name before an entry has shown it: some come that were not asked for
  expect(first.received).toBe(entries + first.outside)
  expectSame(await readBack(), expected)
  const second = await backfill(site)
  expect(second).toMatchObject({ complete: true, requests: 0, received: 0, written: 0 })
  expectSame(await readBack(), expected)

  // without its ledger the program fetches all of it again: writing twice changes nothing
  const elsewhere = await openSite()
  await copyFile(site.file, elsewhere.file)
  expect(await backfill(elsewhere)).toMatchObject({ complete: true, received: first.received, written: entries })
  expectSame(await readBack(), expected)
  await elsewhere.remove()
}

describe('a month of a gateway arrives whole and exact, and again without a change', () => {
  let gateway: Simulator
  let site: Site

  beforeAll(async () => {
    site = await openSite()
    // nine fraction digits: finer than any clock of this program
    gateway = await startSimulator({ devices: 6, interval: 300, historyStart: after - dayMs, fractionDigits: 9 })
  })
  afterAll(async () => {
    await gateway.close()
    await site.remove()
  })

  test('in the embedded database', async () => {
    const path = join(site.folder, 'points.db')
    await site.configure({
      gateways: { g: gatewaySettings(gateway, allDatapoints(gateway)) },
      sink: { sqlite: { path } },
      ledger: 'sqlite-ledger.db',
    })
    const expected = expectedCells(gateway.history, after, until)
    const entries = [...gateway.history.merged(() => true, after, until)].length
    await expectThreeEqualRuns(site, async () => cellsOfSqlite(path), expected, entries)
  }, 120_000)

  describe('in InfluxDB 1.6.7', () => {
    let influxd: Influxd
    beforeAll(async () => {
      influxd = await openInfluxd({ database: 'site' })
    })
    afterAll(() => influxd.close())

    test('with nanoseconds', async () => {
      await site.configure({
        gateways: { g: gatewaySettings(gateway, ['*/*/*/*']) },
        sink: { influxdb: { version: 1, url: influxd.url, database: 'site' } },
        ledger: 'influx-ledger.db',
      })
      const expected = expectedCells(gateway.history, after, until)
      const entries = [...gateway.history.merged(() => true, after, until)].length
      await expectThreeEqualRuns(site, () => cellsOfInfluxd(influxd, 'site'), expected, entries)
    }, 120_000)
  })

  describe('in VictoriaMetrics', () => {
    let server: VictoriaMetrics
    let coarse: Simulator
    beforeAll(async () => {
      server = await openVictoriaMetrics()
      // it keeps milliseconds
      coarse = await startSimulator({ devices: 6, interval: 300, historyStart: after - dayMs, fractionDigits: 3 })
    })
    afterAll(async () => {
      await coarse.close()
      await server.close()
    })

    test('the numbers, which are all that it keeps', async () => {
      const isNumeric = ({ value }: { value: unknown }) => typeof value !== 'string'
      const words = new Set(
        [...coarse.history.merged(() => true, after, until)].filter(it => !isNumeric(it)).map(it => it.datapoint),
      )
      const datapoints = coarse.history.datapoints
        .filter(datapoint => !words.has(datapoint))
        .map(({ device, block, index, name, xif }) => `${device}/${block}/${index}/${name ?? xif}`)
      await site.configure({
        gateways: { g: gatewaySettings(coarse, datapoints) },
        sink: { influxdb: { url: server.url, org: 'any', bucket: 'any' } },
        ledger: 'victoria-ledger.db',
        requests: { per: 'datapoint' },
      })
      const expected = expectedCells(coarse.history, after, until, isNumeric)
      const entries = [...coarse.history.merged(() => true, after, until)].filter(isNumeric).length
      await expectThreeEqualRuns(site, () => cellsOfVictoriaMetrics(server), expected, entries)
    }, 120_000)
  })
})
