import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts'
import { expectSame } from '../support/comparison.ts'
import { type Influxd, openInfluxd } from '../support/influxd.ts'
import { openSite, runProgram, type Site } from '../support/program.ts'
import { cellsOfInfluxd, cellsOfSqlite } from '../support/stored-cells.ts'
import { expectedCells, gatewaySettings } from '../support/truth.ts'

const dayMs = 86_400_000
const until = Math.floor(Date.now() / dayMs) * dayMs
const after = until - 2 * dayMs
const range = ['--from', new Date(after).toISOString(), '--to', new Date(until).toISOString()]

let gateway: Simulator
let influxd: Influxd
let site: Site

beforeAll(async () => {
  site = await openSite()
  influxd = await openInfluxd({ database: 'site' })
  gateway = await startSimulator({ devices: 3, interval: 300, historyStart: after - dayMs })
})
afterAll(async () => {
  await gateway.close()
  await influxd.close()
  await site.remove()
})

async function json(...args: string[]) {
  const { code, stdout, stderr } = await runProgram([...args, '--config', site.file, '--json'])
  if (stdout === '') throw new Error(stderr)
  return { code, ...JSON.parse(stdout) }
}

async function listed(): Promise<{ reason: string; datapoint: string; count: number }[]> {
  return (await json('dead-letters')).letters
}

const sum = (counts: readonly { count: number }[]) => counts.reduce((total, { count }) => total + count, 0)

describe('dead letters of a database that holds another type', () => {
  test('are listed, kept while the cause is there, and written when it is gone', async () => {
    // numbers of our fields have been texts here before, in the shards of this range
    const half = after + dayMs
    await influxd.write(`datalog,old=1 value="text" ${half + 1}000000`)
    const configure = (rule: object) =>
      site.configure({
        gateways: { g: gatewaySettings(gateway, [{ device: '*', ...rule }]) },
        sink: { influxdb: { version: 1, url: influxd.url, database: 'site' } },
        ledger: 'influx-ledger.db',
      })
    await configure({})
    const filled = await json('backfill', ...range)
    // said before anything was asked, with the way out
    expect(filled.warnings.join()).toMatch(/field value of datalog holds string; ours \(float\).*another measurement/)
    expect(filled.code).toBe(3)
    expect(filled.rejected).toBeGreaterThan(0)
    expect(filled.written).toBeGreaterThan(0)
    expect(filled.received).toBe(filled.written + filled.rejected)

    const letters = await listed()
    expect(sum(letters)).toBe(filled.rejected)
    expect(new Set(letters.map(({ reason }) => reason))).toEqual(new Set(['type']))
    expect(letters.every(({ datapoint }) => datapoint.split('/').length === 4)).toBe(true)

    const still = await json('dead-letters', 'replay')
    expect(still).toMatchObject({ code: 3, read: filled.rejected, written: 0, remaining: filled.rejected })
    expect(await json('dead-letters', 'replay', '--reason', 'not-json')).toMatchObject({
      code: 3,
      others: filled.rejected,
    })
    expect(sum(await listed())).toBe(filled.rejected)

    // the way out that the check names: another field
    await influxd.query("DELETE FROM datalog WHERE old = '1'")
    await configure({ field: 'number' })
    // what is written already stays in the first field
    expect(await json('rule', 'same')).toMatchObject({ code: 0 })
    const replayed = await json('dead-letters', 'replay')
    expect(replayed).toMatchObject({ code: 0, read: filled.rejected, written: filled.rejected, remaining: 0 })
    expect(await listed()).toEqual([])
    const stored = await cellsOfInfluxd(influxd, 'site')
    expect(stored.filter(cell => cell.includes('|number|'))).toHaveLength(filled.rejected)
    const renamed = stored.map(cell => cell.replace('|number|', '|value|').replace('|number_text|', '|text|'))
    expectSame(renamed.sort(), expectedCells(gateway.history, after, until))
  }, 180_000)
})

describe('dead letters that cannot be corrected', () => {
  test('end every command with 3 until they are discarded on purpose, which all of them then say', async () => {
    const path = join(site.folder, 'given-up.db')
    await site.configure({
      gateways: { g: gatewaySettings(gateway, [{ device: '*', type: 'structure' }]) },
      sink: { sqlite: { path } },
      ledger: 'given-up-ledger.db',
      deadLetters: { path: 'given-up-letters' },
      sync: { since: '4d' },
    })
    const { rejected } = await json('backfill', ...range)
    expect(await json('verify')).toMatchObject({ code: 3, conclusion: 'unwritten', deadLetters: rejected })
    expect((await json('status')).gateways.g).toMatchObject({ deadLetters: rejected })
    const once = await runProgram(['sync', '--once', '--config', site.file])
    expect(once.code).toBe(3)

    const letters = await json('dead-letters', 'discard', '--reason', 'not wanted')
    const { chosen } = letters
    expect(letters).toMatchObject({ code: 3, discarded: 0 })
    expect(chosen).toBeGreaterThanOrEqual(rejected)
    expect(sum(await listed())).toBe(chosen)
    const done = await json('dead-letters', 'discard', '--reason', 'not wanted', '--yes')
    expect(done).toMatchObject({ code: 0, discarded: chosen })
    expect(await listed()).toEqual([])

    const discarded = [{ reason: 'not wanted', entries: chosen }]
    expect(await json('backfill', ...range)).toMatchObject({ code: 0, complete: true, deadLetters: 0 })
    expect(await json('verify')).toMatchObject({ code: 0, conclusion: 'equal', deadLetters: 0, discarded })
    expect((await json('status')).gateways.g).toMatchObject({ deadLetters: 0, discarded })
    expect(await json('dead-letters', 'replay')).toMatchObject({ code: 0, read: 0, discarded: chosen })
    const { stdout } = await runProgram(['verify', '--config', site.file])
    expect(stdout).toContain('discarded on purpose: not wanted')
  }, 180_000)
})

describe('dead letters of a rule that does not fit', () => {
  test('are made anew by the rule of today, also those of several looks at one range', async () => {
    const path = join(site.folder, 'points.db')
    const configure = (rule: object) =>
      site.configure({
        gateways: { g: gatewaySettings(gateway, [{ device: '*', ...rule }]) },
        sink: { sqlite: { path } },
        ledger: 'sqlite-ledger.db',
        deadLetters: { path: 'rule-letters' },
      })
    await configure({ type: 'structure' })
    const filled = await json('backfill', ...range)
    expect(filled).toMatchObject({ code: 3, written: 0, rejected: filled.received })
    expect(filled).toMatchObject({ complete: false, deadLetters: filled.rejected })
    expect(new Set((await listed()).map(({ reason }) => reason))).toEqual(new Set(['type-changed']))
    // nothing is asked for again, and what was asked for is missing as before
    const again = await json('backfill', ...range)
    expect(again).toMatchObject({ code: 3, complete: false, requests: 0, deadLetters: filled.rejected })
    // those of another range are not missing in this one: the gateway's history begins a day before `range`
    const before = [
      '--from',
      new Date(after - 3 * dayMs).toISOString(),
      '--to',
      new Date(after - 2 * dayMs).toISOString(),
    ]
    expect((await json('backfill', ...before)).deadLetters).toBe(0)

    await configure({})
    expect(await json('dead-letters', 'replay')).toMatchObject({ code: 0, read: filled.rejected, remaining: 0 })
    expect(await json('backfill', ...range)).toMatchObject({ code: 0, complete: true, deadLetters: 0 })
    expectSame(cellsOfSqlite(path), expectedCells(gateway.history, after, until))
    const { stdout } = await runProgram(['dead-letters', '--config', site.file])
    expect(stdout).toMatch(/^There are no dead letters/)
  }, 180_000)
})
