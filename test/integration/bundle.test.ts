import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts'
import { expectSame } from '../support/comparison.ts'
import { openInfluxd } from '../support/influxd.ts'
import { openSite, runProgram, type Site, startProgram } from '../support/program.ts'
import { cellsOfInfluxd, cellsOfSqlite } from '../support/stored-cells.ts'
import { type Cell, expectedCells, gatewaySettings } from '../support/truth.ts'

const dayMs = 86_400_000
const until = Math.floor(Date.now() / dayMs) * dayMs
const after = until - 6 * dayMs
const range = ['--from', new Date(after).toISOString(), '--to', new Date(until).toISOString()]

let gateway: Simulator
let plant: Site
let office: Site
let bundle: string
let expected: Cell[]

beforeAll(async () => {
  gateway = await startSimulator({
    devices: 5,
    interval: 300,
    historyStart: after - dayMs,
    fractionDigits: 9,
    cost: { secondsPerRequest: 0.05, entriesPerSecond: 20_000 },
    oddities: { sameMs: 0.01, nested: 0.02, awkwardNames: 0.3 },
  })
  expected = expectedCells(gateway.history, after, until)
})
afterAll(() => gateway.close())
beforeEach(async () => {
  plant = await openSite()
  office = await openSite()
  bundle = join(plant.folder, 'bundle')
  await plant.configure(settings({ bundle: { path: bundle } }))
  return async () => {
    await plant.remove()
    await office.remove()
  }
})

function settings(sink: object) {
  const datapoints = [{ device: '*', type: 'any' }]
  return { gateways: { g: gatewaySettings(gateway, datapoints) }, sink, requests: { longest: '1d' } }
}

async function json(site: Site, ...args: string[]) {
  const { code, stdout, stderr } = await runProgram([...args, '--config', site.file, '--json'])
  if (stdout === '') throw new Error(stderr)
  return { code, ...JSON.parse(stdout) }
}

const files = () => readdirSync(bundle).filter(name => name.endsWith('.lp.gz'))

describe('a bundle', () => {
  test('brings into a database what a direct backfill would, and again without a change', async () => {
    const packed = await json(plant, 'backfill', ...range)
    expect(packed).toMatchObject({ code: 0, complete: true })
    expect(files().length).toBe(packed.requests)
    expect(await json(plant, 'backfill', ...range)).toMatchObject({ code: 0, requests: 0 })

    const path = join(office.folder, 'points.db')
    await office.configure(settings({ sqlite: { path } }))
    const loaded = await json(office, 'load', bundle)
    expect(loaded).toMatchObject({ code: 0, loaded: packed.requests, known: 0, rejected: 0, written: packed.written })
    expectSame(cellsOfSqlite(path), expected)
    expect(await json(office, 'load', bundle)).toMatchObject({ loaded: 0, known: packed.requests, received: 0 })
    // the ledger knows what was loaded: the gateway has nothing to add, and its entries are the same
    expect(await json(office, 'backfill', ...range)).toMatchObject({ code: 0, requests: 0 })
    expect(await json(office, 'verify')).toMatchObject({ code: 0, equal: packed.written, unknown: 0 })
    expect(await json(office, 'verify', '--full')).toMatchObject({ code: 0, missing: 0, different: 0, extra: 0 })
  }, 60_000)

  test('tells what could not be packed where it is loaded too, until that is discarded there', async () => {
    const wanted = { ...settings({ bundle: { path: bundle } }) }
    const gateways = { g: gatewaySettings(gateway, [{ device: '*', type: 'number' }]) }
    await plant.configure({ ...wanted, gateways })
    const packed = await json(plant, 'backfill', ...range)
    expect(packed).toMatchObject({ code: 3, complete: false, deadLetters: packed.rejected })
    expect(packed.rejected).toBeGreaterThan(0)
    await office.configure(settings({ sqlite: { path: join(office.folder, 'points.db') } }))
    const loaded = await json(office, 'load', bundle)
    expect(loaded).toMatchObject({ code: 3, deadLetters: packed.rejected, rejected: packed.rejected })
    expect(await json(office, 'load', bundle)).toMatchObject({ code: 3, received: 0, deadLetters: packed.rejected })
    expect((await json(office, 'dead-letters')).letters).toMatchObject([
      { reason: 'not-packed', count: packed.rejected },
    ])
    await json(office, 'dead-letters', 'discard', '--reason', 'not wanted', '--yes')
    expect(await json(office, 'load', bundle)).toMatchObject({
      code: 0,
      deadLetters: 0,
      discarded: [{ reason: 'not wanted', entries: packed.rejected }],
    })
  }, 60_000)

  test('killed while it is packed and while it is loaded holds complete ranges only, and ends the same', async () => {
    const influxd = await openInfluxd({ database: 'site' })
    try {
      for (let i = 0; i < 3; i++) {
        const { child, ended } = startProgram(['backfill', '--config', plant.file, ...range])
        await pause(500 + 200 * i)
        child.kill('SIGKILL')
        await ended
      }
      expect(await json(plant, 'backfill', ...range)).toMatchObject({ code: 0 })
      await office.configure(settings({ influxdb: { version: 1, url: influxd.url, database: 'site' } }))
      for (let i = 0; i < 3; i++) {
        const { child, ended } = startProgram(['load', bundle, '--config', office.file])
        await pause(400 + 150 * i)
        child.kill('SIGKILL')
        await ended
      }
      expect(await json(office, 'load', bundle)).toMatchObject({ code: 0, rejected: 0 })
      expectSame(await cellsOfInfluxd(influxd, 'site'), expected)
      expect(await json(office, 'verify')).toMatchObject({ code: 0, missing: 0, extra: 0, unknown: 0 })
    } finally {
      await influxd.close()
    }
  }, 90_000)

  test('may be looked at while it is packed', async () => {
    const draft = join(bundle, '1-0.draft')
    await json(plant, 'backfill', ...range)
    writeFileSync(draft, 'of a run that goes on')
    await json(plant, 'status')
    await json(plant, 'plan')
    expect(existsSync(draft)).toBe(true)
    // one that was left behind is cleared away by the next run that packs
    await json(plant, 'backfill', '--from', '8d')
    expect(existsSync(draft)).toBe(false)
  }, 60_000)

  test('is plain line protocol that InfluxDB takes by itself', async () => {
    const influxd = await openInfluxd({ database: 'site' })
    try {
      await json(plant, 'backfill', ...range)
      for (const name of files()) {
        const lines = execFileSync('gzip', ['-dc', join(bundle, name)], { maxBuffer: 1e9 }).toString()
        expect(await influxd.write(lines)).toBe(204)
      }
      expectSame(await cellsOfInfluxd(influxd, 'site'), expected)
    } finally {
      await influxd.close()
    }
  }, 60_000)

  test('whose list is damaged is loaded as far as it goes, and what is missing is reported', async () => {
    const packed = await json(plant, 'backfill', ...range)
    const path = join(bundle, 'manifest.ndjson')
    const whole = readFileSync(path, 'utf8')
    const lines = whole.trimEnd().split('\n')
    await office.configure(settings({ sqlite: { path: join(office.folder, 'points.db') } }))
    const load = () => json(office, 'load', bundle)

    writeFileSync(path, `${lines.with(2, lines[2]!.slice(0, 40)).join('\n')}\n`)
    const cut = await load()
    expect(cut).toMatchObject({ code: 3, loaded: packed.requests - 1 })
    expect(cut.faults.join('\n')).toMatch(/line 3 of manifest.ndjson is damaged[\s\S]*lp.gz is not listed/)
    writeFileSync(path, `${lines.toSpliced(3, 2).join('\n')}\n`)
    expect((await load()).faults.join('\n')).toMatch(/2 of its ranges are missing before line 4/)
    writeFileSync(path, whole.replace('"received":', '"received":1'))
    const { faults } = await load()
    expect(faults.join('\n')).toMatch(/line 2 of manifest.ndjson is damaged/)
    const { stderr } = await runProgram(['load', bundle, '--config', office.file])
    expect(stderr).toMatch(/is damaged/)

    writeFileSync(path, whole)
    expect(await load()).toMatchObject({ code: 0, loaded: 0, known: packed.requests })
    // cut off by a crash while it was packed: the next range does not hang on to it
    writeFileSync(path, `${whole}{"line":99,"gate`)
    await json(
      plant,
      'backfill',
      '--from',
      new Date(after - dayMs).toISOString(),
      '--to',
      new Date(until).toISOString(),
    )
    expect(await load()).toMatchObject({ code: 0, known: packed.requests })
  }, 90_000)

  test('that is damaged is not believed, and what was loaded before stays', async () => {
    await json(plant, 'backfill', ...range)
    const last = join(bundle, files().at(-1)!)
    const bytes = readFileSync(last)
    bytes[bytes.length >> 1]! ^= 1
    writeFileSync(last, bytes)
    await office.configure(settings({ sqlite: { path: join(office.folder, 'points.db') } }))
    const { code, stderr } = await runProgram(['load', bundle, '--config', office.file])
    expect(code).toBe(1)
    expect(stderr).toMatch(/is damaged: its SHA-256/)
    const nowhere = await runProgram(['load', office.folder, '--config', office.file])
    expect(nowhere.stderr).toMatch(/is no bundle/)
  }, 60_000)
})
