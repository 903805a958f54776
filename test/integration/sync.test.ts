import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts'
import { expectSame } from '../support/comparison.ts'
import { type Influxd, openInfluxd } from '../support/influxd.ts'
import { type Ended, openSite, type Running, runProgram, type Site, startProgram } from '../support/program.ts'
import { cellsOfInfluxd } from '../support/stored-cells.ts'
import { allDatapoints, expectedCells, gatewaySettings } from '../support/truth.ts'

interface Range {
  readonly after: string
  readonly until: string
}

interface DatapointStatus {
  readonly final: readonly Range[]
  readonly provisional: readonly Range[]
}

let gateway: Simulator
let influxd: Influxd
let site: Site

/** Entries turn up as much as a second late; a sync that looked only once would lose them. */
beforeAll(async () => {
  influxd = await openInfluxd({ database: 'd' })
  gateway = await startSimulator({
    devices: 3,
    interval: 1,
    historyStart: Date.now() - 60_000,
    oddities: { late: 0.3, lateMs: 1_500 },
  })
  site = await openSite({
    gateways: { g: gatewaySettings(gateway, allDatapoints(gateway)) },
    sink: { influxdb: { version: 1, url: influxd.url, database: 'd' } },
    sync: { every: '1s', settle: '0s', lateness: '3s', since: '1m' },
  })
})
afterAll(async () => {
  await gateway.close()
  await influxd.close()
  await site.remove()
})

async function statusOfAll(): Promise<readonly DatapointStatus[]> {
  const { stdout, code } = await runProgram(['status', '--json', '--config', site.file])
  expect(code).toBe(0)
  return JSON.parse(stdout).gateways.g.datapoints
}

/** The lines of the log that tell of a pass. */
function passesOf(stderr: string): { failed?: string[] }[] {
  const whole = stderr.slice(0, stderr.lastIndexOf('\n') + 1)
  const lines = whole.split('\n').filter(line => line !== '')
  return lines.map(line => JSON.parse(line) as { failed?: string[] }).filter(({ failed }) => failed !== undefined)
}

async function endBy(name: NodeJS.Signals, running: Running): Promise<Ended> {
  const asked = Date.now()
  running.child.kill(name)
  const ended = await running.ended
  expect(Date.now() - asked).toBeLessThan(5_000)
  return ended
}

describe('sync', () => {
  test('fetches back to "since" at once, then what is new, looks twice at what is fresh, and stops cleanly', async () => {
    const running = startProgram(['sync', '--config', site.file])
    await expect.poll(() => passesOf(running.said()).length, { timeout: 40_000 }).toBeGreaterThanOrEqual(8)
    const { code, stderr } = await endBy('SIGTERM', running)
    expect(code).toBe(0)
    expect(passesOf(stderr).every(({ failed }) => failed?.length === 0)).toBe(true)

    // what is called final by now is in the database to the last entry, the late ones included
    const datapoints = await statusOfAll()
    const finals = datapoints.map(({ final }) => final)
    expect(finals.every(ranges => ranges.length === 1)).toBe(true)
    expect(datapoints.some(({ provisional }) => provisional.length > 0)).toBe(true)
    const until = Math.min(...finals.map(ranges => Date.parse(ranges[0]!.until)))
    const after = Math.max(...finals.map(ranges => Date.parse(ranges[0]!.after)))
    expect(until - after).toBeGreaterThan(55_000)
    const inRange = (cell: string) => {
      const ms = Number(BigInt(cell.split('|')[2]!) / 1_000_000n)
      return ms > after && ms <= until
    }
    expectSame((await cellsOfInfluxd(influxd, 'd')).filter(inRange), expectedCells(gateway.history, after, until))
    expect(gateway.stats.maxOpenLogSockets).toBe(1)
  }, 60_000)

  test('--once makes one pass and ends', async () => {
    const asked = gateway.stats.logRequests
    expect(await runProgram(['sync', '--once', '--config', site.file])).toMatchObject({ code: 0 })
    expect(gateway.stats.logRequests).toBeGreaterThan(asked)
  }, 30_000)

  test('Ctrl-C stops it as cleanly, and the gateway is left without a socket or a login', async () => {
    const running = startProgram(['sync', '--config', site.file])
    const asked = gateway.stats.logRequests
    await expect.poll(() => gateway.stats.logRequests, { timeout: 20_000 }).toBeGreaterThan(asked)
    expect((await endBy('SIGINT', running)).code).toBe(0)
    expect(gateway.stats.openLogSockets).toBe(0)
    expect(gateway.stats.logouts).toBe(gateway.stats.logins)
  }, 30_000)
})
