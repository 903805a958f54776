import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, onTestFinished, test } from 'vitest'
import { startSimulator } from '../../src/simulator/simulator.ts'
import { expectSame } from '../support/comparison.ts'
import { openSite, runProgram } from '../support/program.ts'
import { cellsOfSqlite } from '../support/stored-cells.ts'
import { expectedCells, gatewaySettings } from '../support/truth.ts'

const dayMs = 86_400_000
const today = Math.floor(Date.now() / dayMs) * dayMs
const dayOfMonth = new Date(today).getUTCDate()
/** Six days of one month: proofs are kept by the month. */
const until = dayOfMonth > 7 ? today : today - (dayOfMonth - 1) * dayMs
const after = until - 6 * dayMs
const range = ['--from', new Date(after).toISOString(), '--to', new Date(until).toISOString()]
const lux = 'Sensor 1/LightSensor/0/nvoLuxLevel'
const isLux = ({ datapoint }: { datapoint: { xif: string } }) => datapoint.xif === 'nvoLuxLevel'

/** One datapoint of a gateway, all of it in the embedded database. */
async function openFilled(settings: object = {}) {
  const gateway = await startSimulator({ devices: 1, interval: 300, historyStart: after - dayMs })
  const site = await openSite()
  onTestFinished(async () => {
    await gateway.close()
    await site.remove()
  })
  const points = join(site.folder, 'points.db')
  const configure = (more: object = {}) =>
    site.configure({
      gateways: { g: gatewaySettings(gateway, [lux]) },
      sink: { sqlite: { path: points } },
      requests: { longest: '1d' },
      ledger: join(site.folder, 'ledger.db'),
      ...settings,
      ...more,
    })
  async function json(...args: string[]) {
    const { code, stdout, stderr } = await runProgram([...args, '--config', site.file, '--json'])
    if (stdout === '') throw new Error(stderr)
    return { code, ...JSON.parse(stdout) }
  }
  await configure()
  const { code, written } = await json('backfill', ...range)
  expect(code).toBe(0)
  const change = (path: string) => (sql: string) => {
    const database = new DatabaseSync(path)
    const { changes } = database.prepare(sql).run()
    database.close()
    return Number(changes)
  }
  return {
    gateway,
    site,
    configure,
    json,
    written,
    cells: () => cellsOfSqlite(points),
    inDatabase: change(points),
    inLedger: change(join(site.folder, 'ledger.db')),
  }
}

function between(from: number, to: number): string {
  return `time > ${from}000000 AND time <= ${to}000000`
}

test('what neither database nor gateway has is lost, and every certificate says so until the user accepts it', async () => {
  const { gateway, json, inDatabase, written } = await openFilled()
  const gone = inDatabase(`DELETE FROM value WHERE ${between(after, after + dayMs)}`)
  expect(gone).toBe(288)
  gateway.store.prune(after + 2 * dayMs)

  const healed = await json('verify', '--heal')
  expect(healed).toMatchObject({ code: 3, conclusion: 'differs', lost: gone, missing: 0, healed: 0 })
  expect(healed.before).toMatchObject({ missing: 0, lost: gone })
  expect(await json('verify')).toMatchObject({ code: 3, missing: gone })
  expect(await json('verify', '--heal')).toMatchObject({ code: 3, lost: gone })
  expect(await json('verify', '--full')).toMatchObject({ code: 3, conclusion: 'differs', lost: gone })

  const accepted = await json('verify', '--heal', '--accept')
  expect(accepted).toMatchObject({ code: 0, accepted: { ranges: 1, lost: gone }, before: { lost: gone } })
  expect(await json('verify')).toMatchObject({ code: 0, conclusion: 'equal', equal: written - gone })
}, 60_000)

test('a heal over time that is pruned in part brings back what is there and makes nothing worse', async () => {
  const { gateway, json, inDatabase, cells, written } = await openFilled()
  const border = after + 1.5 * dayMs
  inDatabase(`DELETE FROM value WHERE ${between(after + dayMs, after + 2 * dayMs)}`)
  gateway.store.prune(border)
  // what is older than the border and was not deleted stays; what was deleted and is younger comes back
  const expected = expectedCells(gateway.history, after, until, it => {
    return isLux(it) && (it.ms <= after + dayMs || it.ms >= border)
  })
  const healed = await json('verify', '--heal')
  expect(healed).toMatchObject({ code: 3, lost: 144, missing: 0, extra: 0, healed: 144, equal: written - 144 })
  expectSame(cells(), expected)
  expect(await json('verify', '--heal')).toMatchObject({ code: 3, lost: 144, extra: 0, healed: 0 })
  expectSame(cells(), expected)
}, 60_000)

test('points of another writer are reported before and after a heal, and are never taken as proven', async () => {
  const { json, inDatabase, written } = await openFilled()
  inDatabase(`DELETE FROM value WHERE ${between(after, after + dayMs)}`)
  inDatabase(
    'INSERT INTO value SELECT series, time + 1, 7, NULL FROM value WHERE series IN (SELECT id FROM series WHERE device IS NOT NULL) LIMIT 10',
  )
  const before = { missing: 278, extra: 0 }
  expect(await json('verify')).toMatchObject({ code: 3, ...before })
  const healed = await json('verify', '--heal')
  expect(healed).toMatchObject({ code: 3, before: { missing: 288, extra: 10 }, missing: 0, extra: 10, healed: 288 })
  expect(await json('verify', '--heal')).toMatchObject({ code: 3, extra: 10, equal: written })
  inDatabase('DELETE FROM value WHERE number = 7 AND time % 1000000 = 1')
  expect(await json('verify')).toMatchObject({ code: 0, equal: written })
}, 60_000)

test('a gateway that has nothing left to compare with makes nothing equal', async () => {
  const { gateway, json, written } = await openFilled()
  gateway.store.prune(until)
  for (const mode of [['--full'], ['--sample', '2']]) {
    const told = await json('verify', ...mode)
    expect(told).toMatchObject({ code: 3, conclusion: 'uncompared', equal: 0 })
    expect(told.unconfirmed).toBeGreaterThan(0)
  }
  expect(await json('verify')).toMatchObject({ code: 0, equal: written })
}, 60_000)

test('a range without a count is not called equal, and gets one when the gateway was compared with', async () => {
  const { json, inLedger, written, site } = await openFilled()
  inLedger('UPDATE coverage SET points = NULL')
  expect(await json('verify')).toMatchObject({ code: 3, conclusion: 'uncompared', equal: 0 })
  expect(await json('verify', '--full')).toMatchObject({ code: 0, conclusion: 'equal', equal: written })
  expect(await json('verify')).toMatchObject({ code: 0, conclusion: 'equal', equal: written, unknown: 0 })
  const { stdout } = await runProgram(['verify', '--config', site.file])
  expect(stdout).toContain(`1 datapoint: ${lux}`)
}, 60_000)

test('a range without a count that the gateway has no more is proven by the word of the user alone', async () => {
  const { gateway, json, inLedger, written } = await openFilled()
  inLedger('UPDATE coverage SET points = NULL')
  gateway.store.prune(after + 3 * dayMs)
  const uncounted = { code: 3, conclusion: 'uncompared', unconfirmed: written / 2, healed: 0 }
  for (let again = 0; again < 2; again++) expect(await json('verify', '--heal')).toMatchObject(uncounted)
  const accepted = await json('verify', '--heal', '--accept')
  expect(accepted).toMatchObject({ code: 0, accepted: { lost: 0 }, equal: written })
  expect(accepted.accepted.ranges).toBeGreaterThan(0)
  expect(await json('verify')).toMatchObject({ code: 0, equal: written })
}, 60_000)

test('only the time that is asked for is read from the gateway', async () => {
  const { gateway, json, inDatabase } = await openFilled({ requests: { longest: '1d', entries: 100, shortest: '1h' } })
  const [from, to] = [after + 2 * dayMs, after + 4 * dayMs]
  const within = ['--from', new Date(from).toISOString(), '--to', new Date(to).toISOString()]
  for (const mode of [['--sample', '4'], ['--full']])
    for (const { after: first, until: last } of (await json('verify', ...mode, ...within)).ranges) {
      expect(Date.parse(first)).toBeGreaterThanOrEqual(from)
      expect(Date.parse(last)).toBeLessThanOrEqual(to)
    }
  // a heal stops when it has found what was missing
  const requestsOf = async (...args: string[]) => {
    const before = gateway.stats.logRequests
    await json('verify', ...args)
    return gateway.stats.logRequests - before
  }
  inDatabase(`DELETE FROM value WHERE ${between(until - dayMs, until - 0.8 * dayMs)}`)
  expect(await requestsOf('--heal')).toBeLessThan((await requestsOf('--full')) / 3)
  expect(await json('verify')).toMatchObject({ code: 0 })
}, 60_000)

test('the certificate tells what it is about, and what it has nothing to say of', async () => {
  const { configure, gateway, json, inLedger, site } = await openFilled()
  const temperature = 'Sensor 1/TempSensor/0/nvoTemperature'
  await configure({ gateways: { other: gatewaySettings(gateway, [lux, temperature]) } })
  const elsewhere = await json('verify')
  expect(elsewhere).toMatchObject({ code: 0, period: { after: new Date(after).toISOString() } })
  expect(elsewhere.gateways).toEqual([
    expect.objectContaining({ name: 'other', configured: true, datapoints: [], unproven: [lux, temperature] }),
    expect.objectContaining({ name: 'g', configured: false, datapoints: [lux], unproven: [] }),
  ])
  const { stdout } = await runProgram(['verify', '--config', site.file])
  expect(stdout).toContain(`not recorded as complete: 2: ${lux}, ${temperature}`)

  await configure()
  expect(await json('verify', '--to', '100d')).toMatchObject({ code: 3, conclusion: 'uncompared' })
  inLedger('DELETE FROM coverage')
  expect(await json('verify')).toMatchObject({ code: 3, conclusion: 'nothing' })
  expect(await json('verify', '--allow-empty')).toMatchObject({ code: 0, conclusion: 'nothing' })
}, 60_000)

test('a day that was healed is not judged by another day of the same range', async () => {
  const { json, inDatabase } = await openFilled()
  inDatabase('DELETE FROM value')
  const [from, to] = [after + 2 * dayMs, after + 3 * dayMs]
  const within = ['--from', new Date(from).toISOString(), '--to', new Date(to).toISOString()]
  const healed = await json('verify', '--heal', ...within)
  expect(healed).toMatchObject({ code: 0, conclusion: 'equal', healed: 288, missing: 0, before: { missing: 288 } })
  expect(await json('verify')).toMatchObject({ code: 3, conclusion: 'differs' })
}, 60_000)
