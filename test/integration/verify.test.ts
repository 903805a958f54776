import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts'
import { expectSame } from '../support/comparison.ts'
import { type Influxd, openInfluxd } from '../support/influxd.ts'
import { openSite, runProgram, type Site } from '../support/program.ts'
import { cellsOfInfluxd, cellsOfSqlite } from '../support/stored-cells.ts'
import { allDatapoints, expectedCells, gatewaySettings } from '../support/truth.ts'
import { openVictoriaMetrics } from '../support/victoria-metrics.ts'

const dayMs = 86_400_000
const until = Math.floor(Date.now() / dayMs) * dayMs
const after = until - 5 * dayMs
const range = ['--from', new Date(after).toISOString(), '--to', new Date(until).toISOString()]

let gateway: Simulator
let site: Site

beforeAll(async () => {
  gateway = await startSimulator({ devices: 3, interval: 300, historyStart: after - dayMs })
})
afterAll(() => gateway.close())
beforeEach(async () => {
  site = await openSite()
  return () => site.remove()
})

async function json(...args: string[]) {
  const { code, stdout, stderr } = await runProgram([...args, '--config', site.file, '--json'])
  if (stdout === '') throw new Error(stderr)
  return { code, ...JSON.parse(stdout) }
}

async function fill(sink: object, datapoints: readonly unknown[]): Promise<number> {
  await site.configure({ gateways: { g: gatewaySettings(gateway, datapoints) }, sink, requests: { longest: '1d' } })
  const { code, written } = await json('backfill', ...range)
  expect(code).toBe(0)
  return written
}

describe('in InfluxDB 1.6.7', () => {
  let influxd: Influxd
  beforeAll(async () => {
    influxd = await openInfluxd()
  })
  afterAll(() => influxd.close())

  test.each([
    ['each datapoint by its name', () => allDatapoints(gateway)],
    ['all of them by one wildcard', () => ['*/*/*/*']],
  ])(
    'what is deleted behind its back is found and restored exactly, with %s',
    async (_, datapoints) => {
      await influxd.queryText('CREATE DATABASE "site"')
      const written = await fill({ influxdb: { version: 1, url: influxd.url, database: 'site' } }, datapoints())
      const requests = gateway.stats.logRequests
      expect(await json('verify')).toMatchObject({ code: 0, mode: 'counts', equal: written, missing: 0, extra: 0 })
      expect(gateway.stats.logRequests).toBe(requests)

      const from = after + 2 * dayMs
      const before = (await cellsOfInfluxd(influxd, 'site')).length
      await influxd.query(`DELETE FROM datalog WHERE time > ${from}000000 AND time <= ${from + dayMs / 4}000000`, {
        database: 'site',
      })
      const lost = before - (await cellsOfInfluxd(influxd, 'site')).length
      expect(lost).toBeGreaterThan(0)
      // each of these waits until the short count has stood still
      for (const told of await Promise.all([json('verify'), json('verify', '--full')]))
        expect(told).toMatchObject({ code: 3, equal: written - lost, missing: lost, extra: 0 })

      const healed = await json('verify', '--heal')
      expect(healed).toMatchObject({ code: 0, equal: written, missing: 0 })
      expect(healed.healed).toBeGreaterThan(0)
      expectSame(await cellsOfInfluxd(influxd, 'site'), expectedCells(gateway.history, after, until))
      expect(await json('verify')).toMatchObject({ code: 0, equal: written, unknown: 0 })
      await influxd.queryText('DROP DATABASE "site"')
    },
    240_000,
  )

  test('what is younger than the database keeps stays comparable, and what is older is not called equal', async () => {
    const old = await startSimulator({ devices: 1, interval: 3600, historyStart: until - 101 * dayMs })
    onTestFinished(() => old.close())
    await influxd.queryText('CREATE DATABASE "short"')
    await site.configure({
      gateways: { g: gatewaySettings(old, ['*/*/*/*']) },
      sink: { influxdb: { version: 1, url: influxd.url, database: 'short' } },
      requests: { longest: '5d' },
    })
    const { written } = await json('backfill', '--from', '100d')
    // two months at least begin within it
    await influxd.queryText('ALTER RETENTION POLICY "autogen" ON "short" DURATION 94d')
    await influxd.query(`DELETE FROM datalog WHERE time < now() - 94d`, { database: 'short' })
    const counted = await json('verify')
    expect(counted).toMatchObject({ code: 3, conclusion: 'partly', missing: 0 })
    expect(counted.expired).toBeGreaterThan(0)
    expect(counted.equal).toBeGreaterThan(written / 2)
    // entry by entry the border may lie in the middle of a range
    const full = await json('verify', '--full', '--from', '93d')
    expect(full).toMatchObject({ code: 0, conclusion: 'equal', expired: 0, missing: 0 })
    expect(full.equal).toBeGreaterThan(counted.equal)
    await influxd.queryText('DROP DATABASE "short"')
  }, 60_000)
})

describe('in the embedded database', () => {
  test('a changed value is found by comparing with the gateway, and only so', async () => {
    const path = join(site.folder, 'points.db')
    const written = await fill({ sqlite: { path } }, ['*/*/*/*'])
    const database = new DatabaseSync(path)
    database.exec(
      'UPDATE value SET number = number + 1 WHERE (series, time) = (SELECT series, max(time) FROM value WHERE number IS NOT NULL AND series IN (SELECT id FROM series WHERE device IS NOT NULL))',
    )
    database.exec(
      `INSERT INTO value SELECT series, max(time) - 1, 7, NULL FROM value WHERE series IN (SELECT id FROM series WHERE device IS NOT NULL)`,
    )
    database.close()
    expect(await json('verify')).toMatchObject({ code: 3, extra: 1, missing: 0 })
    const full = await json('verify', '--full')
    expect(full).toMatchObject({ code: 3, equal: written - 1, different: 1, extra: 1, missing: 0 })
    expect(full.ranges.flatMap((it: { examples: string[] }) => it.examples)).toHaveLength(2)
    // what is not ours is reported, and never deleted
    expect(await json('verify', '--full', '--heal')).toMatchObject({ code: 3, different: 0, extra: 1 })
    const expected = expectedCells(gateway.history, after, until)
    expect(cellsOfSqlite(path)).toHaveLength(expected.length + 1)
  }, 60_000)

  test('days drawn by chance are the same for the same seed', async () => {
    await fill({ sqlite: { path: join(site.folder, 'points.db') } }, ['*/*/*/*'])
    const [first, again] = [
      await json('verify', '--sample', '3', '--seed', '5'),
      await json('verify', '--sample', '3', '--seed', '5'),
    ]
    expect(first).toMatchObject({ code: 0, mode: 'sample', of: 'sample', seed: 5, missing: 0 })
    expect(first.sample).toMatchObject({ datapoints: 1, ofDatapoints: 1 })
    expect(first.sample.ofDays).toBeGreaterThan(first.sample.days)
    expect(first.equal).toBeGreaterThan(0)
    expect(again.ranges).toEqual(first.ranges)
    const { stdout, code } = await runProgram(['verify', '--config', site.file])
    expect(code).toBe(0)
    expect(stdout).toMatch(/EQUAL: the database holds as many points as there is proof of\.\s*$/)
  }, 60_000)
})

test('VictoriaMetrics is compared as exactly as it keeps numbers', async () => {
  const server = await openVictoriaMetrics()
  try {
    const influxdb = { url: server.url, org: 'o', bucket: 'b' }
    await site.configure({ gateways: { g: gatewaySettings(gateway, ['*/*/*/*']) }, sink: { influxdb } })
    const { written, rejected, unheld } = await json('backfill', ...range)
    expect([rejected, unheld > 0]).toEqual([0, true])
    // what was written a moment ago is seen by queries only when it is flushed
    await server.export('{__name__=~"datalog_.*"}')
    const full = await json('verify', '--full')
    expect(full).toMatchObject({ code: 0, equal: written, unwritable: 0, missing: 0, different: 0 })
  } finally {
    await server.close()
  }
}, 60_000)
