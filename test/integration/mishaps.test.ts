import { existsSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/cli/system-clock.ts'
import { openLedger } from '../../src/ledger/ledger.ts'
import { parseCsv } from '../../src/simulator/csv.ts'
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts'
import { freePort } from '../support/free-port.ts'
import { type Influxd, openInfluxd } from '../support/influxd.ts'
import { type Ended, openSite, runProgram, type Site, startProgram } from '../support/program.ts'
import { gatewaySettings } from '../support/truth.ts'

const password = 'a-password-that-must-not-be-seen'

let gateway: Simulator
let site: Site

beforeAll(async () => {
  gateway = await startSimulator({ devices: 4, interval: 300, password, lockAfter: 1000 })
})
afterAll(() => gateway.close())
beforeEach(async () => {
  site = await openSite()
  return () => site.remove()
})

function settings(change: object = {}, more: object = {}) {
  const reached = { ...gatewaySettings(gateway, ['*/*/*/*']), password }
  return { gateways: { g: { ...reached, ...change } }, ...more }
}

/** One clear message: no stack, no secret, and the exit code that scripts rely on. */
function expectMessage({ code, stdout, stderr }: Ended, expectedCode: number, words: RegExp): void {
  expect(stdout + stderr).not.toContain(password)
  expect(stderr).not.toMatch(/\n\s+at .*:\d+/)
  expect(stderr).toMatch(words)
  expect(code).toBe(expectedCode)
}

async function backfill(...args: string[]): Promise<Ended> {
  return await runProgram(['backfill', '--config', site.file, '--from', '2d', ...args])
}

async function coveredRanges(): Promise<number> {
  const { stdout, code } = await runProgram(['status', '--json', '--config', site.file])
  expect(code).toBe(0)
  const { datapoints } = JSON.parse(stdout).gateways.g
  return datapoints.flatMap((it: { final: unknown[]; provisional: unknown[] }) => [...it.final, ...it.provisional])
    .length
}

describe('what goes wrong is reported once and clearly, and nothing is recorded', () => {
  test('wrong password: the login is tried once', async () => {
    const before = gateway.stats.failedLogins
    await site.configure(settings({ password: `${password}-wrong` }))
    expectMessage(await backfill(), 1, /rejects the login of "etl"/)
    expect(gateway.stats.failedLogins - before).toBe(1)
    expect(await coveredRanges()).toBe(0)
  })

  test('a misspelt device or datapoint is not complete because nothing came of it', async () => {
    const right = 'Sensor 1/LightSensor/0/nvoLuxLevel'
    const datapoints = ['Sensr 1/LightSensor/0/nvoLuxLevel', 'Sensor 1/LightSensor/0/nvoLuxLevl', right]
    await site.configure(settings({ datapoints }))
    const ended = await backfill()
    expectMessage(
      ended,
      3,
      /not asked for Sensr 1.*did you mean Sensor 1\?[\s\S]*nvoLuxLevl: the gateway has no such datapoint/,
    )
    expect(ended.stdout).toContain('Not complete')
    const { stdout } = await runProgram(['status', '--json', '--config', site.file])
    const [one, two, three] = JSON.parse(stdout).gateways.g.datapoints
    expect([one.final, one.provisional, two.final, two.provisional]).toEqual([[], [], [], []])
    expect(three.final).not.toEqual([])
    const { problems, complete } = JSON.parse((await backfill('--json')).stdout)
    expect([complete, problems.map((it: { code: string }) => it.code)]).toEqual([
      false,
      ['unknown-device', 'unknown-datapoint'],
    ])
  }, 60_000)

  test('a level of the log that there is none of', async () => {
    await site.configure(settings())
    const ended = await runProgram(['status', '--config', site.file], { env: { LOG_LEVEL: 'loud' } })
    expectMessage(ended, 2, /LOG_LEVEL=loud: expected one of .*debug/)
  })

  test('a database that was replaced by another one is distinguished from one that lacks everything', async () => {
    await site.configure(
      settings({ datapoints: ['Sensor 1/LightSensor/0/nvoLuxLevel'] }, { sink: { sqlite: { path: 'p.db' } } }),
    )
    expect((await backfill()).code).toBe(0)
    for (const end of ['', '-wal', '-shm']) await rm(join(site.folder, `p.db${end}`), { force: true })
    const verified = await runProgram(['verify', '--config', site.file])
    expectMessage(verified, 1, /all proof in the ledger is of another database/)
    const again = await backfill()
    expectMessage(again, 0, /the proof in the ledger is of another database/)
    expect((await runProgram(['verify', '--config', site.file])).code).toBe(0)
  }, 60_000)

  test('a gateway that is not there', async () => {
    await site.configure(settings({ url: `https://127.0.0.1:${await freePort()}` }))
    expectMessage(await backfill(), 1, /g: the gateway cannot be reached .*\(ECONNREFUSED\)/)
    expect(await coveredRanges()).toBe(0)
  })

  test('another certificate than the pinned one: it never gets the password', async () => {
    const before = gateway.stats.requests
    const fingerprint256 = gateway.fingerprint256.replace(/^../, it => (it === '00' ? '11' : '00'))
    await site.configure(settings({ tls: { fingerprint256 } }))
    expectMessage(await backfill(), 1, /another certificate than the pinned one: [0-9A-F]{2}(:[0-9A-F]{2}){31}/)
    expect(gateway.stats.requests).toBe(before)
  })

  test('a self-signed certificate without a word about it in the configuration', async () => {
    await site.configure(settings({ tls: {} }))
    expectMessage(await backfill(), 1, /its certificate is self-signed[\s\S]*fingerprint256/)
  })

  test('a database that is not there, before the gateway is asked for anything', async () => {
    const before = gateway.stats.logRequests
    const sink = { influxdb: { version: 1, url: `http://127.0.0.1:${await freePort()}`, database: 'd' } }
    await site.configure(settings({}, { sink }))
    expectMessage(await backfill(), 1, /InfluxDB http:\/\/127\.0\.0\.1:\d+/)
    expect(gateway.stats.logRequests).toBe(before)
    expect(await coveredRanges()).toBe(0)
  })

  test('an unknown key, with its place and a caret', async () => {
    await site.configure(settings({ limts: {} }))
    const ended = await backfill()
    expectMessage(ended, 2, /smartserver-etl\.yaml:\d+:\d+: .*limts/)
    expect(ended.stderr).toMatch(/limts:.*\n\s+\^+/)
  })

  test('a variable that is not set', async () => {
    await site.configure(settings({ password: '${SURELY_NOT_SET}' }))
    expectMessage(await backfill(), 2, /:\d+:\d+: .*SURELY_NOT_SET/)
  })

  test('times that make no sense', async () => {
    await site.configure(settings())
    expectMessage(await backfill('--to', '3d'), 2, /--from .* is not before --to/)
    expectMessage(await backfill('--to', 'yesterday'), 2, /--to "yesterday" is neither/)
    expectMessage(await backfill('--gateway', 'h'), 2, /no gateway "h"[\s\S]*There is: g\./)
  })

  test('a ledger that is something else is left as it is', async () => {
    await site.configure(settings())
    const path = join(site.folder, 'data', 'ledger.db')
    await backfill()
    await writeFile(path, 'somebody else keeps notes here, a page of them'.repeat(100))
    expectMessage(await backfill(), 1, /ledger .*ledger\.db is damaged/)
  })

  test('entries later than the gateway’s own clock are warned of once a run, and none of them is written', async () => {
    const hour = 3_600_000
    const ahead = await startSimulator({
      devices: 2,
      password,
      oddities: { future: 0.5, futureMs: 2 * hour },
      faults: { widenRange: 1, widenMs: 4 * hour },
    })
    await site.configure({ gateways: { g: { ...gatewaySettings(ahead, ['*/*/*/*']), password } } })
    const ended = await backfill()
    expectMessage(ended, 0, /^g: \d+ entries that were not asked for are later than the gateway's own clock[^\n]*\n$/)
    const { future, outside } = JSON.parse((await backfill('--json')).stdout)
    expect([future > 0, outside >= future]).toEqual([true, true])
    const points = new DatabaseSync(join(site.folder, 'data', 'points.db'))
    expect(points.prepare('SELECT max(time) AS newest FROM datalog').get()).toEqual({
      newest: expect.toSatisfy((newest: string) => Date.parse(newest) < Date.now()),
    })
    points.close()
    await ahead.close()
  })

  test('a device whose name no query can say is found again under a new id at the next run', async () => {
    const row = (at: number) => `${new Date(at).toISOString()},Hall & Lobby,b,0,p,1`
    const csv = (...rows: string[]) => parseCsv(['time,device,block,index,datapoint,value', ...rows].join('\n'))
    const [early, late] = [Date.now() - 40 * 3_600_000, Date.now() - 20 * 3_600_000]
    const app = async (source: Simulator, to: string) => {
      const own = { ...gatewaySettings(source, ['Hall & Lobby/*/*/*']), password: 'secret' }
      await site.configure({ gateways: { g: own } })
      return JSON.parse((await backfill('--json', '--to', to)).stdout)
    }
    const first = await startSimulator({ source: csv(row(early)) })
    expect(await app(first, '30h')).toMatchObject({ complete: true, written: 1, outside: 0 })
    await first.close()
    const other = `${new Date(late).toISOString()},A,b,0,p,1`
    const second = await startSimulator({ source: csv(other, row(late)) })
    expect(await app(second, '10h')).toMatchObject({ complete: true, written: 1, outside: 0 })
    await second.close()
  })

  test('a second process on the same ledger', async () => {
    await site.configure(settings())
    const first = startProgram(['sync', '--config', site.file])
    // until it owns the ledger
    while (!existsSync(join(site.folder, 'data', 'points.db'))) await new Promise(resolve => setTimeout(resolve, 20))
    expectMessage(await backfill(), 1, new RegExp(`in use by another process \\(sync, pid ${first.child.pid}`))
    expect((await runProgram(['status', '--config', site.file])).code).toBe(0)
    first.child.kill('SIGTERM')
    expect((await first.ended).code).toBe(0)
  })
})

describe('a database that goes away in the middle', () => {
  let influxd: Influxd
  beforeAll(async () => {
    influxd = await openInfluxd({ database: 'd' })
  })
  afterAll(() => influxd.close())

  test('is waited for, and the backfill ends complete', async () => {
    const slow = await startSimulator({ devices: 6, interval: 60, cost: { entriesPerSecond: 10_000 } })
    const sink = { influxdb: { version: 1, url: influxd.url, database: 'd' } }
    await site.configure({ gateways: { g: gatewaySettings(slow, ['*/*/*/*']) }, sink })
    const running = startProgram(['backfill', '--config', site.file, '--from', '3d', '--json'])
    while (slow.stats.entriesSent < 5_000) await new Promise(resolve => setTimeout(resolve, 20))
    await influxd.stop()
    await new Promise(resolve => setTimeout(resolve, 1_500))
    await influxd.start()
    const { code, stdout } = await running.ended
    expect(code).toBe(0)
    const { written } = JSON.parse(stdout)
    const [counted] = await influxd.query('SELECT count(*) FROM datalog', { database: 'd' })
    // several members of a structure are one point: compare with the fields that every point of its kind has
    const stored = counted!.columns.map((name, i) =>
      /^count_(value|text)$/.test(name) ? Number(counted!.values[0]![i]) : 0,
    )
    expect(stored.reduce((a, b) => a + b, 0)).toBe(written)
    await slow.close()
  }, 60_000)
})

test('Ctrl-C stops a backfill at once, keeps what was recorded, and the same command goes on', async () => {
  const slow = await startSimulator({ devices: 8, interval: 60, cost: { entriesPerSecond: 8_000 } })
  await site.configure({ gateways: { g: gatewaySettings(slow, ['*/*/*/*']) }, requests: { entries: 1_000 } })
  const running = startProgram(['backfill', '--config', site.file, '--from', '2d'])
  while (slow.stats.logRequests < 15) await new Promise(resolve => setTimeout(resolve, 20))
  const asked = Date.now()
  running.child.kill('SIGINT')
  const { code, stderr } = await running.ended
  expect(Date.now() - asked).toBeLessThan(5_000)
  expect({ code, stderr }).toEqual({
    code: 130,
    stderr: 'Stopped. What was recorded is kept; the same command continues from there.\n',
  })
  expect(await coveredRanges()).toBeGreaterThan(0)
  const sent = slow.stats.entriesSent
  expect((await runProgram(['backfill', '--config', site.file, '--from', '2d'])).code).toBe(0)
  const all = [...slow.history.merged(() => true, Date.now() - 2 * 86_400_000, Date.now())].length
  expect(slow.stats.entriesSent - sent).toBeLessThan(all)
  expect(slow.stats.openLogSockets).toBe(0)
  await slow.close()
}, 60_000)

test('a database file that was deleted is filled again: the ledger speaks of the file that is gone', async () => {
  await site.configure(settings())
  const first = JSON.parse((await backfill('--json')).stdout)
  await rm(join(site.folder, 'data', 'points.db'))
  const again = JSON.parse((await backfill('--json')).stdout)
  expect(again.written).toBeGreaterThanOrEqual(first.written - 10)
  expect(first.written).toBeGreaterThan(100)
})

test('a demo whose ledger another process owns ends, and says so', async () => {
  await mkdir(join(site.folder, 'data', 'demo'), { recursive: true })
  const ledger = openLedger(join(site.folder, 'data', 'demo', 'ledger.db'), systemClock)
  try {
    ledger.owner.take('sync')
    expectMessage(await runProgram(['demo'], { cwd: site.folder }), 1, /another process/)
  } finally {
    ledger.close()
  }
})

test('a demo that cannot write its folder ends, and says which', async () => {
  await writeFile(join(site.folder, 'data'), 'a file')
  const ended = await runProgram(['demo'], { cwd: site.folder })
  expectMessage(ended, 1, /data\/demo/)
  expect(ended.stderr).not.toMatch(/report it/)
})
