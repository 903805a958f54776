import { cp, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openApp, runApp } from '../../src/app.ts'
import { systemClock } from '../../src/cli/system-clock.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { Clock } from '../../src/domain/clock.ts'
import { checkDatabase } from '../../src/pipeline/check-database.ts'
import type { RunEvent } from '../../src/pipeline/job.ts'
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts'
import { expectSame } from '../support/comparison.ts'
import { openInfluxd } from '../support/influxd.ts'
import { openInfluxDb2 } from '../support/influxdb-2.ts'
import { openInfluxDb3 } from '../support/influxdb-3.ts'
import { openSite } from '../support/program.ts'
import { recordedLog } from '../support/recorded-log.ts'
import { cellsOfInfluxd, cellsOfSqlite, cellsOfVictoriaMetrics } from '../support/stored-cells.ts'
import { type Cell, expectedCells, gatewaySettings } from '../support/truth.ts'
import { openVictoriaMetrics } from '../support/victoria-metrics.ts'

const dayMs = 86_400_000
const until = Math.floor(Date.now() / dayMs) * dayMs
const middle = until - dayMs
const after = until - 3 * dayMs
const never = new AbortController().signal
const lux = 'Sensor 1/LightSensor/0/nvoLuxLevel'
/** An answer that is short is believed after half a minute: of this clock it is half a second. */
const hasty: Clock = {
  now: systemClock.now,
  elapsed: () => systemClock.elapsed() * 60,
  sleep: (ms, signal) => systemClock.sleep(ms / 60, signal),
}

/** One gateway with one datapoint, and a database that something is done to. */
async function openPlant(sink: object) {
  const gateway = await startSimulator({ devices: 1, interval: 300, historyStart: after - dayMs })
  const site = await openSite()
  onTestFinished(async () => {
    await gateway.close()
    await site.remove()
  })
  let configured = sink
  async function backfill(from: number, to: number, midway?: (gateway: Simulator) => Promise<unknown>) {
    await site.configure({
      gateways: { g: gatewaySettings(gateway, [lux]) },
      sink: configured,
      requests: { longest: '6h', per: 'datapoint', order: 'oldest' },
      ledger: join(site.folder, 'ledger.db'),
    })
    const config = loadConfig(site.file, {})
    const app = await openApp(config, 'test', { clock: hasty, log: recordedLog().log })
    try {
      const { warnings, retentionMs: keptMs } = await checkDatabase(app, never)
      const said: string[] = []
      let done = 0
      let act: Promise<unknown> | undefined
      const observe = (event: RunEvent) => {
        if (event.kind === 'database-doubted') said.push(...event.words)
        if (event.kind === 'done' && ++done === 6) act = midway?.(gateway)
      }
      const demand = { kind: 'once', after: from, until: to } as const
      const { receipt, gateways } = await runApp(app, config, { demand, keptMs, observe }, never)
      await act
      return { written: receipt.written, words: warnings, said, failure: gateways[0]?.failure }
    } finally {
      await app.close()
    }
  }
  return {
    folder: site.folder,
    backfill,
    use: (other: object) => {
      configured = other
    },
    expected: () => expectedCells(gateway.history, after, until, ({ datapoint }) => datapoint.xif === 'nvoLuxLevel'),
  }
}

const nothing = { written: 0, words: [], said: [] }
const perDay = dayMs / 300_000

/** What holds of each database: all is there at the end, no more was fetched than was lost, and nothing is fetched twice. */
async function expectFilled(
  plant: Awaited<ReturnType<typeof openPlant>>,
  cells: () => Promise<Cell[]> | Cell[],
  days: number,
  words: string,
) {
  const filled = await plant.backfill(after, until)
  expect(filled.words).toEqual([expect.stringContaining(words)])
  expect(filled.written).toBe(days * perDay)
  expectSame(await cells(), plant.expected())
  expect(await plant.backfill(after, until)).toMatchObject(nothing)
}

test('InfluxDB 1: made anew, a measurement dropped, an older copy of its files, another address', async () => {
  const influxd = await openInfluxd({ database: 'site' })
  onTestFinished(() => influxd.close())
  const sink = (url: string) => ({ influxdb: { version: 1, url, database: 'site' } })
  const plant = await openPlant(sink(influxd.url))
  const cells = () => cellsOfInfluxd(influxd, 'site')
  await plant.backfill(after, middle)
  await influxd.stop()
  const copy = join(plant.folder, 'copy')
  await cp(influxd.folder, copy, { recursive: true })
  await influxd.start()
  await plant.backfill(after, until)

  await influxd.stop()
  await rm(influxd.folder, { recursive: true })
  await cp(copy, influxd.folder, { recursive: true })
  await influxd.start()
  await expectFilled(plant, cells, 1, 'older copy')

  await influxd.query('DROP DATABASE site')
  await influxd.query('CREATE DATABASE site')
  await expectFilled(plant, cells, 3, 'made anew')

  await influxd.query('DROP MEASUREMENT datalog')
  await expectFilled(plant, cells, 3, 'nothing of the measurement datalog')

  plant.use(sink(influxd.url.replace('127.0.0.1', 'localhost')))
  expect(await plant.backfill(after, until)).toMatchObject({
    written: 0,
    words: [expect.stringContaining('complete here')],
  })
  expect(await plant.backfill(after, until)).toMatchObject(nothing)
}, 120_000)

test('InfluxDB 1: made anew in the midst of a run', async () => {
  const influxd = await openInfluxd({ database: 'site' })
  onTestFinished(() => influxd.close())
  const plant = await openPlant({ influxdb: { version: 1, url: influxd.url, database: 'site' } })
  const { said, failure } = await plant.backfill(after, until, async () => {
    await influxd.query('DROP DATABASE site')
    await influxd.query('CREATE DATABASE site')
  })
  // the run may have ended in the moment between the two
  if (failure === undefined) expect(said).toEqual([expect.stringContaining('made anew')])
  else await plant.backfill(after, until)
  expectSame(await cellsOfInfluxd(influxd, 'site'), plant.expected())
}, 60_000)

test('InfluxDB 2: a bucket deleted and made again, a token that may only write', async () => {
  const server = await openInfluxDb2()
  onTestFinished(() => server.close())
  server.grant('all', { read: 'all', write: 'all' })
  server.grant('write-only', { read: [], write: 'all' })
  await server.createBucket('site')
  const sink = (token: string) => ({ influxdb: { version: 2, url: server.url, org: 'site', bucket: 'site', token } })
  const plant = await openPlant(sink('all'))
  expect(await plant.backfill(after, until)).toMatchObject({ written: 3 * perDay, said: [] })
  await server.deleteBucket('site')
  await server.createBucket('site')
  expect(await plant.backfill(after, until)).toMatchObject({
    written: 3 * perDay,
    words: [expect.stringContaining('made anew')],
  })
  expect(await plant.backfill(after, until)).toMatchObject(nothing)
  plant.use(sink('write-only'))
  const blind = await plant.backfill(after, until)
  expect(blind).toMatchObject({ written: 0, failure: undefined })
  expect(blind.words).toContainEqual(expect.stringContaining('cannot be told'))
}, 120_000)

test('InfluxDB 3: a database deleted and made again', async () => {
  const server = await openInfluxDb3()
  onTestFinished(() => server.close())
  server.createDatabase('site')
  const plant = await openPlant({ influxdb: { version: 3, url: server.url, database: 'site', token: server.token } })
  await plant.backfill(after, until)
  expect(await plant.backfill(after, until)).toMatchObject({ written: 0, said: [] })
  server.createDatabase('site')
  const again = await plant.backfill(after, until)
  expect(again.written).toBe(3 * perDay)
  expect(again.words).toContainEqual(expect.stringContaining('made anew'))
}, 120_000)

test('VictoriaMetrics: killed after its answer, an empty folder, an older copy of its files', async () => {
  const server = await openVictoriaMetrics()
  onTestFinished(() => server.close())
  const plant = await openPlant({ influxdb: { url: server.url, server: 'victoria-metrics' } })
  const cells = () => cellsOfVictoriaMetrics(server)
  const warnings = (await plant.backfill(after, middle)).words.length
  const kill = async () => {
    server.signal('SIGKILL')
    await server.stop()
    await server.start()
  }
  // complete: it survives that
  await kill()
  expect((await cells()).length).toBe(2 * perDay)
  await server.stop()
  const copy = join(plant.folder, 'copy')
  await cp(server.folder, copy, { recursive: true })
  await server.start()
  const hurt = await plant.backfill(after, until, kill)
  expect(hurt.failure).toBeUndefined()
  expectSame(await cells(), plant.expected())

  await server.stop()
  await rm(server.folder, { recursive: true })
  await cp(copy, server.folder, { recursive: true })
  await server.start()
  const again = await plant.backfill(after, until)
  expect(again.words.length).toBe(warnings + 1)
  expect(again.written).toBe(perDay)
  expectSame(await cells(), plant.expected())

  await server.stop()
  await rm(server.folder, { recursive: true })
  await server.start()
  expect((await plant.backfill(after, until)).written).toBe(3 * perDay)
  expectSame(await cells(), plant.expected())
}, 120_000)

test('SQLite: an older copy of its file, the file removed, the file moved', async () => {
  const path = join((await openSite()).folder, 'points.db')
  const plant = await openPlant({ sqlite: { path } })
  const cells = () => cellsOfSqlite(path)
  await plant.backfill(after, middle)
  await cp(path, `${path}.copy`)
  await plant.backfill(after, until)
  await cp(`${path}.copy`, path)
  await expectFilled(plant, cells, 1, 'older copy')

  await rename(path, `${path}.moved`)
  plant.use({ sqlite: { path: `${path}.moved` } })
  expect(await plant.backfill(after, until)).toMatchObject(nothing)

  plant.use({ sqlite: { path } })
  await expectFilled(plant, cells, 3, 'of another database')
}, 60_000)

test('SQLite: the file removed in the midst of a run ends the run, and the next one fills a new file', async () => {
  const path = join((await openSite()).folder, 'points.db')
  const plant = await openPlant({ sqlite: { path } })
  await expect(plant.backfill(after, until, () => rm(path))).rejects.toMatchObject({ code: 'sink-replaced' })
  await plant.backfill(after, until)
  expectSame(cellsOfSqlite(path), plant.expected())
}, 60_000)
