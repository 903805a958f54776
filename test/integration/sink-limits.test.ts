import { execFileSync } from 'node:child_process'
import { statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts'
import { openSmallDisk } from '../crash/small-disk.ts'
import { expectSame } from '../support/comparison.ts'
import { type Influxd, openInfluxd } from '../support/influxd.ts'
import { openSite, runProgram, startProgram } from '../support/program.ts'
import { cellsOfInfluxd, cellsOfSqlite } from '../support/stored-cells.ts'
import { type Cell, expectedCells, gatewaySettings } from '../support/truth.ts'

const dayMs = 86_400_000
const weekMs = 7 * dayMs
const until = Math.floor(Date.now() / dayMs) * dayMs
// Longer than the week of a shard, so that there is always an older one than the newest.
const after = until - 9 * dayMs
const range = ['--from', new Date(after).toISOString(), '--to', new Date(until).toISOString()]

let gateway: Simulator
/** Logs more than a small disk holds. */
let talkative: Simulator

beforeAll(async () => {
  gateway = await startSimulator({ devices: 3, interval: 600, historyStart: after - dayMs })
  talkative = await startSimulator({ devices: 6, interval: 120, historyStart: after - dayMs })
})
afterAll(async () => {
  await gateway.close()
  await talkative.close()
})

async function openPlace(sink: object, from = gateway) {
  const site = await openSite({
    gateways: { g: gatewaySettings(from, ['*/*/*/*']) },
    sink,
  })
  onTestFinished(() => site.remove())
  const backfill = ['backfill', '--config', site.file, ...range, '--json']
  async function json(...args: string[]) {
    const { code, stdout, stderr } = await runProgram([...args, '--config', site.file, '--json'])
    if (stdout === '') throw new Error(stderr)
    return { code, ...JSON.parse(stdout) }
  }
  return { backfill, json }
}

type Place = Awaited<ReturnType<typeof openPlace>>

/** Undefined, with a printed reason, where this user may not mount. */
function disk(megabytes: number) {
  try {
    const small = openSmallDisk(megabytes)
    onTestFinished(() => small.close())
    return small
  } catch (error) {
    console.log(`skipped, no small disk can be mounted here: ${error instanceof Error ? error.message : error}`)
    return undefined
  }
}

function resize(folder: string, size: string): void {
  execFileSync('mount', ['-o', `remount,size=${size}`, folder])
}

async function room(folder: string) {
  const { blocks, bavail, bsize } = await statfs(folder)
  return { used: (blocks - bavail) * bsize, free: bavail * bsize }
}

/** Runs it into the full disk, gives room, and lets it or the same command afterwards come to the end. */
async function throughFullDisk(place: Place, folder: string, cells: () => Promise<Cell[]> | Cell[]) {
  const first = startProgram(place.backfill)
  let over = false
  void first.ended.then(() => {
    over = true
  })
  let least = Number.POSITIVE_INFINITY
  const deadline = Date.now() + 12_000
  while (!over && Date.now() < deadline) {
    least = Math.min(least, (await room(folder)).free)
    if (least < 16_384) break
    await pause(20)
  }
  expect(least, 'the disk has become full').toBeLessThan(65_536)
  // long enough for more than one attempt on the full disk
  await Promise.race([first.ended, pause(2_500)])
  resize(folder, '200m')
  let { code, stdout, stderr } = await first.ended
  if (code !== 0) {
    // honest: it says that it is not complete, and why
    expect([1, 3]).toContain(code)
    expect(`${stdout}${stderr}`).toMatch(/"complete":false|disk|space|full/)
    ;({ code, stdout, stderr } = await runProgram(place.backfill))
  }
  expect(code, stderr).toBe(0)
  const { complete, received, written, rejected, outside, duplicate, empty } = JSON.parse(stdout)
  expect({ complete, rejected }).toEqual({ complete: true, rejected: 0 })
  expect(received).toBe(written + outside + duplicate + empty)
  expectSame(await cells(), expectedCells(talkative.history, after, until))
  const verified = await place.json('verify')
  expect(verified).toMatchObject({ missing: 0, extra: 0, unknown: 0 })
}

describe('a disk that fills up in the middle of a backfill and is then given room', () => {
  test('loses nothing in the embedded database', async context => {
    const small = disk(1)
    if (small === undefined) return context.skip()
    const path = join(small.folder, 'points.db')
    await throughFullDisk(await openPlace({ sqlite: { path } }, talkative), small.folder, () => cellsOfSqlite(path))
  }, 60_000)
})

describe('a database that holds another type', () => {
  let influxd: Influxd
  beforeAll(async () => {
    influxd = await openInfluxd()
  })
  afterAll(() => influxd.close())

  async function openDatabase(name: string, ...lines: string[]) {
    await influxd.query(`CREATE DATABASE "${name}"`)
    for (const line of lines) expect(await influxd.write(line, name)).toBe(204)
    return openPlace({ influxdb: { version: 1, url: influxd.url, database: name } })
  }

  const notOurs = (it: Cell) => !it.startsWith('undefined/') && !it.startsWith('/')

  async function expectAccounted(place: Place, database: string, field: string) {
    const filled = await place.json('backfill', ...range)
    const { received, written, rejected, outside, duplicate, empty } = filled
    expect(received).toBe(written + rejected + outside + duplicate + empty)
    const { letters } = (await place.json('dead-letters')) as {
      letters: { reason: string; count: number; example: { detail: string } }[]
    }
    expect(letters.reduce((sum, { count }) => sum + count, 0)).toBe(rejected)
    for (const { reason, example } of letters) {
      expect(reason).toBe('type')
      expect(example.detail).toMatch(/field type conflict/)
    }
    const stored = (await cellsOfInfluxd(influxd, database)).filter(notOurs)
    const expected = expectedCells(gateway.history, after, until)
    const there = new Set(stored)
    const lost = expected.filter(it => !there.has(it))
    const wanted = new Set(expected)
    expect(stored.filter(it => !wanted.has(it))).toEqual([])
    // what is not shown is what was refused, and nothing else
    expect(lost.filter(it => !it.includes(`|${field}|`))).toEqual([])
    return { filled, lost: lost.length }
  }

  test('in an old and the newest shard refuses, and the rest is there', async () => {
    const place = await openDatabase(
      'both',
      `datalog,old=1 value="text" ${after + 1}000000`,
      `datalog,old=1 value="text" ${until - 1}000000`,
    )
    const { filled, lost } = await expectAccounted(place, 'both', 'value')
    expect(filled.code).toBe(3)
    expect(filled.rejected).toBeGreaterThan(0)
    expect(lost).toBe(filled.rejected)
  }, 60_000)

  test('in an old shard alone refuses there, and shows what the others took', async () => {
    const place = await openDatabase('old', `datalog,old=1 value="text" ${after + 1}000000`)
    const { filled, lost } = await expectAccounted(place, 'old', 'value')
    expect(filled.rejected).toBeGreaterThan(0)
    expect(filled.written).toBeGreaterThan(0)
    expect(lost).toBe(filled.rejected)
  }, 60_000)

  test('of a shard that is not written to hides nothing without a warning', async () => {
    const place = await openDatabase('hidden', `datalog,old=1 text=1.5 ${after - 2 * weekMs}000000`)
    const { warnings } = (await place.json('check')).sink
    const { lost } = await expectAccounted(place, 'hidden', 'text')
    // queries see the numbers of the old shard, and none of our texts
    expect(lost).toBeGreaterThan(0)
    expect(warnings.join()).toMatch(/text/)
    expect((await place.json('check')).sink.warnings.join()).toMatch(/text of datalog holds/)
  }, 60_000)
})
