import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts'
import { openSite, runProgram, type Site, startProgram } from '../support/program.ts'
import { gatewaySettings } from '../support/truth.ts'

let gateway: Simulator
let site: Site

beforeAll(async () => {
  gateway = await startSimulator({ devices: 3, interval: 60 })
  site = await openSite()
})
afterAll(async () => {
  await gateway.close()
  await site.remove()
})

async function configure(datapoints: readonly string[], limits: object = {}): Promise<void> {
  await site.configure({
    gateways: { g: gatewaySettings(gateway, datapoints, limits) },
    // one piece: three tries, and it is parked
    requests: { shortest: '12h', longest: '12h' },
    sync: { every: '1s', since: '2d' },
  })
}

const range = [
  '--from',
  new Date(Date.now() - 14 * 3_600_000).toISOString(),
  '--to',
  new Date(Date.now() - 7_200_000).toISOString(),
]

const run = (...args: string[]) => runProgram([...args, '--config', site.file])

async function statusOf() {
  const { stdout, code } = await run('status', '--json')
  expect(code).toBe(0)
  return JSON.parse(stdout)
}

describe('status and retry', () => {
  test('status creates nothing in a fresh folder: no database, no bundle, no ledger', async () => {
    const before = readdirSync(site.folder)
    for (const sink of [{ sqlite: { path: 'fresh/points.db' } }, { bundle: { path: 'fresh' } }]) {
      await site.configure({
        gateways: { g: gatewaySettings(gateway, ['Sensor 1/*/*/*']) },
        sink,
        ledger: 'fresh/l.db',
      })
      expect((await statusOf()).gateways.g.datapoints[0].final).toEqual([])
      expect((await run('status')).stdout).toMatch(/^Into (SQLite|bundle) .*fresh/)
    }
    expect(readdirSync(site.folder)).toEqual([...new Set([...before, 'smartserver-etl.yaml'])])
  })

  test('a gateway whose clock differs from the host by more than a minute is named', async () => {
    for (const [clockSkewMs, words] of [
      [-7_200_000, /clock: 2 h.* behind this host's/],
      [30_000, undefined],
    ] as const) {
      const skewed = await startSimulator({ devices: 1, interval: 60, clockSkewMs })
      try {
        await site.configure({
          gateways: { g: gatewaySettings(skewed, ['Sensor 1/*/*/*']) },
          sink: { sqlite: { path: `clock${clockSkewMs}.db` } },
          ledger: `clock${clockSkewMs}-ledger.db`,
        })
        await run('backfill', '--from', new Date(Date.now() - 14 * 3_600_000).toISOString(), '--to', '10h')
      } finally {
        await skewed.close()
      }
      const { clockDifferenceMs } = (await statusOf()).gateways.g
      expect(Math.abs(clockDifferenceMs - clockSkewMs)).toBeLessThan(20_000)
      const { stdout } = await run('status')
      if (words === undefined) expect(stdout).not.toContain('clock:')
      else expect(stdout).toMatch(words)
    }
  }, 120_000)

  test('a range that cannot be had is listed with its reason, and "retry" fetches it and nothing else', async () => {
    await configure(['Sensor 1/*/*/*'])
    const done = await run('backfill', ...range, '--json')
    expect(done.code).toBe(0)
    const { received, written } = JSON.parse(done.stdout)
    const { proof } = (await statusOf()).gateways.g.datapoints[0]
    expect(proof).toEqual({ received, points: written, written, rejected: 0 })

    gateway.setFaults({ noEnd: 1 })
    await configure(['Sensor 1/*/*/*', 'Thermostat 2/*/*/*'])
    expect((await run('backfill', ...range)).code).toBe(3)
    const { datapoints } = (await statusOf()).gateways.g
    expect(datapoints[0].parked).toEqual([])
    const [first] = datapoints[1].parked
    expect(first).toMatchObject({ code: 'no-end', tries: 3 })
    const human = await run('status')
    expect(human.stdout).toMatch(/parked.*\n.*Thermostat 2\/\*\/\*\/\*: .*"end" \(3 tries\)/)

    gateway.setFaults({ noEnd: 0 })
    const asked = gateway.stats.logQueries.length
    expect(JSON.parse((await run('retry', '--json')).stdout)).toMatchObject({ complete: true })
    const queries = gateway.stats.logQueries.slice(asked)
    expect(queries.length).toBeGreaterThan(0)
    expect(
      queries.some(({ after, until }) => after <= Date.parse(first.after) && until >= Date.parse(first.until)),
    ).toBe(true)
    expect((await statusOf()).gateways.g.datapoints[1].parked).toEqual([])
    expect((await run('retry')).stdout).toBe('Nothing is parked.\n')
  }, 120_000)

  test('a datapoint that is taken out is left alone and shown; one that is added is fetched by itself', async () => {
    await configure(['Meter 3/*/*/*'])
    const before = (await statusOf()).gateways.g
    expect(before.datapoints[0].final).toEqual([])
    expect(before.unwanted.map(({ datapoint }: { datapoint: string }) => datapoint)).toEqual([
      'Sensor 1/*/*/*',
      'Thermostat 2/*/*/*',
    ])
    expect((await run('sync', '--once')).code).toBe(0)
    const { datapoints, unwanted } = (await statusOf()).gateways.g
    expect(datapoints[0].final.length).toBe(1)
    expect(unwanted[0].final).toEqual(before.unwanted[0].final)
  }, 60_000)

  test('while a daemon waits for the end of the quiet hours, status says so, and nothing is asked', async () => {
    // all day but the minute before the last
    const now = new Date(Date.now() - 2 * 60_000)
    const minute = now.toISOString().slice(11, 16)
    const earlier = new Date(now.getTime() - 60_000).toISOString().slice(11, 16)
    const zoned = await startSimulator({ devices: 3, interval: 60, zone: 'UTC' })
    await site.configure({
      gateways: { g: gatewaySettings(zoned, ['*/*/*/*'], { quiet: `${minute}-${earlier}` }) },
      sync: { every: '1m' },
      ledger: 'quiet.db',
    })
    const daemon = startProgram(['sync', '--config', site.file])
    for (let tries = 0; (await statusOf()).gateways.g.activity === undefined && tries < 50; tries++) await pause(100)
    const { owner, gateways } = await statusOf()
    expect(owner).toContain(`sync, pid ${daemon.child.pid}`)
    expect(gateways.g.activity.doing).toContain('quiet hours')
    expect(Date.parse(gateways.g.activity.until)).toBeGreaterThan(Date.now())
    expect((await run('status')).stdout).toMatch(
      /Running: sync[\s\S]*now: waiting for the end of the quiet hours, until/,
    )
    expect(zoned.stats.logRequests).toBe(0)
    daemon.child.kill('SIGTERM')
    expect((await daemon.ended).code).toBe(0)
    await zoned.close()
  }, 60_000)

  test.skipIf(spawnSync('unshare', ['--mount', 'true']).status !== 0)('status works on a read-only disk', async () => {
    await configure(['Sensor 1/*/*/*'])
    await run('backfill', ...range)
    const before = await statusOf()
    const program = [process.execPath, join(import.meta.dirname, '../../src/main.ts'), 'status', '--json']
    const script = `mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && exec "\${@:2}"`
    const { stdout, stderr } = spawnSync(
      'unshare',
      ['--mount', 'bash', '-c', script, '', site.folder, ...program, '--config', site.file],
      { encoding: 'utf8' },
    )
    expect(stderr).toBe('')
    const finals = ({ gateways }: { gateways: { g: { datapoints: { final: unknown }[] } } }) =>
      gateways.g.datapoints.map(({ final }) => final)
    expect(finals(JSON.parse(stdout))).toEqual(finals(before))
  })
})
