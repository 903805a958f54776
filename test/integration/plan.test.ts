import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../src/cli/system-clock.ts'
import { isoText } from '../../src/domain/instant.ts'
import { openLedger } from '../../src/ledger/ledger.ts'
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts'
import { openSqliteSink } from '../../src/sinks/sqlite/sqlite-sink.ts'
import { openSite, runProgram, type Site } from '../support/program.ts'
import { recordedLog } from '../support/recorded-log.ts'
import { noEnd } from '../support/scripted-gateway.ts'
import { gatewaySettings } from '../support/truth.ts'

const dayMs = 86_400_000
const wanted = ['Sensor 1/*/*/*', 'Thermostat 2/*/*/*', 'Meter 3/*/*/*']

let gateway: Simulator
let site: Site

/** Sensors keep 30 days, thermostats 10, meters 3. */
beforeAll(async () => {
  gateway = await startSimulator({
    devices: 3,
    interval: 300,
    historyStart: Date.now() - 40 * dayMs,
    retentionMs: 30 * dayMs,
    retentions: { 'Room Thermostat': 10 * dayMs, 'Energy Meter 3P': 3 * dayMs },
    clockSkewMs: 3_600_000,
    zone: 'Europe/Berlin',
  })
})
afterAll(() => gateway.close())

async function configured(settings: object = {}, datapoints: readonly unknown[] = wanted): Promise<void> {
  site = await openSite({ gateways: { g: gatewaySettings(gateway, datapoints) }, sync: { since: '5d' }, ...settings })
  const { remove } = site
  onTestFinished(remove)
}

const run = (...args: string[]) => runProgram([...args, '--config', site.file])

async function planned(...args: string[]) {
  const { stdout, code } = await run('plan', '--json', ...args)
  expect(code).toBe(0)
  return JSON.parse(stdout)
}

const digest = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex')

describe('plan', () => {
  test('asks for no log, writes nothing, and foretells the backfill that follows', async () => {
    await configured()
    const asked = gateway.stats.logRequests
    const span = ['--from', '12d', '--to', '11d']
    const { gateways, total } = await planned(...span)
    expect(gateway.stats.logRequests).toBe(asked)
    expect(readdirSync(site.folder)).toEqual(['smartserver-etl.yaml'])
    expect(gateways.g).toMatchObject({ reached: true, zone: 'Europe/Berlin', requests: 3, problems: [] })
    // an hour more or less than a day by the gateway's clock is no matter: the ends are given
    expect(gateways.g.missing).toEqual({ ms: 3 * dayMs, datapoints: 3, configured: 3 })
    expect(gateways.g.clockOffsetMs).toBeGreaterThan(3_590_000)
    // thermostats and meters are pruned there: three datapoints of a sensor are left
    expect(gateways.g.pruned).toMatchObject({ ms: 2 * dayMs, datapoints: 2 })
    expect(total).toMatchObject({ requests: 3, requestsAreMore: false, entries: 3 * 288 })

    const ran = JSON.parse((await run('backfill', '--json', ...span)).stdout)
    expect(ran).toMatchObject({ complete: true, requests: total.requests })
    // one of them logs whatever changes: how often is guessed
    expect(total.entries / ran.received).toBeGreaterThan(0.5)
    expect(total.entries / ran.received).toBeLessThan(2)
  }, 60_000)

  test('plan, check and status say that a schedule cannot keep up, and what would', async () => {
    const limits = { requestsPerMinute: 2 }
    await configured({
      gateways: { g: gatewaySettings(gateway, wanted, limits) },
      sync: { every: '1m', settle: '2m', lateness: '1h' },
      requests: { per: 'device' },
    })
    const { pace } = (await planned()).gateways.g
    expect(pace).toMatchObject({
      keepsUp: false,
      requestsPerPass: 3,
      grouping: { per: 'device', reason: 'configured' },
    })
    expect(pace.remedies).toContainEqual({ setting: 'requests.per', value: 'gateway', requests: 1 })
    expect((await run('plan')).stdout).toMatch(
      /CANNOT KEEP UP.*\n.*"requests: \{ per: gateway \}" \(1 request a pass\)/,
    )
    expect(JSON.parse((await run('status', '--json')).stdout).gateways.g.pace).toEqual(pace)
    expect((await run('status')).stdout).toContain('CANNOT KEEP UP')
    const { warnings } = JSON.parse((await run('check', '--json')).stdout).gateways.g
    expect(warnings.join()).toContain('CANNOT KEEP UP')
    await configured({
      gateways: { g: gatewaySettings(gateway, wanted, limits) },
      sync: { every: '1m', settle: '2m', lateness: '1h' },
      requests: { per: 'gateway' },
    })
    expect((await planned()).gateways.g.pace).toMatchObject({ keepsUp: true, remedies: [] })
    expect(JSON.parse((await run('check', '--json')).stdout).gateways.g.warnings.join()).not.toContain('KEEP UP')
  }, 60_000)

  test('says what a sync lacks, leaves the ledger as it is, and finds nothing to do after a backfill', async () => {
    await configured({ sync: { since: '2d', settle: '1h', lateness: '1h' } })
    expect((await run('sync', '--once')).code).toBe(0)
    const ledger = join(site.folder, 'data/ledger.db')
    const [before, asked] = [digest(ledger), gateway.stats.logRequests]
    const after = await planned()
    // a moment later: no more than what time itself has added
    expect(after.total.missing.ms).toBeLessThan(3 * 600_000)
    expect(after.gateways.g.assumptions.densities.measured).toBe(3)
    const whole = await planned('--from', '4d')
    expect(whole.total.missing.ms / dayMs).toBeGreaterThan(5)
    expect(whole.total.missing.ms / dayMs).toBeLessThan(7)
    expect(digest(ledger)).toBe(before)
    expect(gateway.stats.logRequests).toBe(asked)
  }, 60_000)

  test('warns of what is pruned soon and what is pruned already, and advises to rescue it', async () => {
    await configured()
    const { gateways, total, advice } = await planned('--from', '5d')
    // meters keep three days: two are gone, and the next day goes within a day
    expect(gateways.g.pruned.datapoints).toBe(1)
    expect(gateways.g.pruned.ms / dayMs).toBeCloseTo(2 + 1 / 24, 1)
    expect(gateways.g.atRisk).toMatchObject({ ms: dayMs, datapoints: 1 })
    expect(Date.parse(gateways.g.atRisk.by) - gateway.now()).toBeLessThanOrEqual(dayMs)
    expect(total.atRiskMs).toBe(dayMs)
    expect(advice.join()).toContain('rescue')
    const { stdout } = await run('plan', '--from', '5d')
    expect(stdout).toMatch(/the gateway deletes it by .*: fetch it before/)
    expect(stdout).toContain('requests: { order: rescue }')

    await configured({ requests: { order: 'rescue' } })
    expect((await planned('--from', '5d')).advice).toEqual([])
    await configured()
    expect((await planned('--from', '40h')).advice).toEqual([])
  }, 60_000)

  test('status shows what is at risk too, as the last run read it from the gateway, without asking again', async () => {
    await configured()
    const status = async () => JSON.parse((await run('status', '--json')).stdout).gateways.g.risk
    expect(await status()).toBeUndefined()
    const began = Date.now()
    expect((await run('backfill', '--from', '2h', '--to', '1h')).code).toBe(0)
    const { atRisk, pruned } = (await planned()).gateways.g
    const asked = gateway.stats.requests
    const risk = await status()
    expect(Date.parse(risk.asOf)).toBeGreaterThanOrEqual(began)
    expect(risk.atRisk).toMatchObject({ ms: atRisk.ms, datapoints: atRisk.datapoints })
    expect(risk.pruned).toMatchObject({ datapoints: pruned.datapoints })
    // by the gateway's clock, an hour ahead
    expect(Math.abs(risk.pruned.ms - pruned.ms)).toBeLessThan(60_000)
    expect(Math.abs(Date.parse(risk.atRisk.by) - Date.parse(atRisk.by))).toBeLessThan(60_000)
    const { stdout } = await run('status')
    expect(stdout).toMatch(/at risk, as of .*: .* of 1 datapoint .*: the gateway deletes it by .*: fetch it before/)
    expect(gateway.stats.requests).toBe(asked)
  }, 60_000)

  test('names datapoints that are not logged or not there, and the days on which the clock is put back', async () => {
    await configured({}, [...wanted, 'Sensor 1/NodeObject/0/nvoStatus', 'Sensr 1/*/*/*', 'Meter 3/EnergyMeter/0/nvo'])
    const { gateways } = await planned('--from', '2025-10-01', '--to', '2025-11-01')
    expect(gateways.g.problems.map(({ code }: { code: string }) => code)).toEqual([
      'not-logged',
      'unknown-device',
      'unknown-datapoint',
    ])
    expect(gateways.g.clockChanges).toEqual([{ date: '2025-10-26', at: '2025-10-26T01:00:00.000Z', minutes: -60 }])
  }, 60_000)

  test('plans from assumptions where gateway and database are away, and says so', async () => {
    const nobody = { url: 'https://127.0.0.1:1', username: 'u', password: 'p', datapoints: ['A/*/*/*'] }
    const influxdb = { version: 1, url: 'http://127.0.0.1:1', database: 'd' }
    await configured({ gateways: { g: gatewaySettings(gateway, wanted), nobody }, sink: { influxdb } })
    const { gateways, sink, total } = await planned()
    expect(gateways.g.reached).toBe(true)
    expect(gateways.nobody).toMatchObject({ reached: false, failure: { code: 'gateway-unreachable' } })
    expect(gateways.nobody.assumptions.densities).toEqual({ measured: 0, rules: 0, guessed: 1 })
    expect(gateways.nobody.entries).toBeGreaterThan(4.9 * 288)
    expect(gateways.nobody.entries).toBeLessThanOrEqual(5 * 288)
    expect(total.requests).toBe(gateways.g.requests + gateways.nobody.requests)
    expect(sink.warnings).toHaveLength(1)
    const { stdout, code } = await run('plan', '--gateway', 'nobody')
    expect(code).toBe(0)
    expect(stdout).toContain('planned from the ledger and assumptions alone')
    expect(existsSync(join(site.folder, 'data'))).toBe(false)
  }, 60_000)

  test('ends with 2 at wrong use, and with 1 where the ledger cannot be read', async () => {
    await configured()
    expect((await run('plan', '--from', '1d', '--to', '2d')).code).toBe(2)
    expect((await run('plan', '--from', 'soon')).code).toBe(2)
    expect((await run('plan', '--gateway', 'other')).code).toBe(2)
    await configured({ ledger: 'smartserver-etl.yaml' })
    expect((await run('plan')).code).toBe(1)
  }, 60_000)
})

test('what is parked and rests is left out of a plan for sync, and said', async () => {
  await configured({ sync: { since: '2d' } })
  const none = await planned()
  expect(none.gateways.g.parked).toBeUndefined()
  const ledger = openLedger(join(site.folder, 'data/ledger.db'), systemClock)
  const until = Date.now() - dayMs
  for (const range of [
    { after: until - 3_600_000, until },
    { after: until - 3 * 3_600_000, until: until - 2 * 3_600_000 },
  ])
    ledger.parked.park(
      await sinkId(),
      { gateway: 'g', selectors: [{ device: { name: 'Sensor 1' } }, { device: { name: 'Meter 3' } }], range },
      noEnd(),
      3,
    )
  ledger.close()
  const { gateways } = await planned()
  const { parked, missing } = gateways.g
  expect(parked).toMatchObject({ ranges: 2, after: isoText(until - 3 * 3_600_000), until: isoText(until) })
  expect(Math.abs(Date.parse(parked.triedAgainAt) - (Date.now() + 3_600_000))).toBeLessThan(60_000)
  expect((none.gateways.g.missing.ms - missing.ms) / 3_600_000).toBeCloseTo(4, 1)
  expect((await run('plan')).stdout).toMatch(
    /parked +2 ranges \(.*\) are left out of this plan until .* tried again from/,
  )
  // a backfill does not let it rest
  expect((await planned('--from', '2d')).gateways.g.parked).toBeUndefined()
}, 60_000)

/** Of a database that is made first. */
async function sinkId(): Promise<string> {
  const log = recordedLog().log
  const sink = await openSqliteSink({ path: join(site.folder, 'data/points.db') }, { clock: systemClock, log })
  await sink.close()
  return sink.id
}

describe('the order rescue', () => {
  test('asks first for what the gateway will prune first, whatever is older', async () => {
    await configured({ requests: { order: 'rescue', longest: '6h' } })
    const asked = gateway.stats.logQueries.length
    expect((await run('backfill', '--from', '60h', '--to', '6h')).code).toBe(0)
    const queries = gateway.stats.logQueries.slice(asked)
    const devices = queries.map(({ query }) => /(Sensor|Thermostat|Meter)/.exec(decodeURIComponent(query))?.[0])
    expect([...new Set(devices)]).toEqual(['Meter', 'Thermostat', 'Sensor'])
    // each of them to its end before the next is begun, the oldest first
    expect(devices).toEqual([...devices].sort((a, b) => order(a) - order(b)))
    const meter = queries.slice(0, devices.lastIndexOf('Meter') + 1).map(({ after }) => after)
    expect(meter.length).toBeGreaterThan(5)
    expect(meter).toEqual(meter.toSorted((a, b) => a - b))

    // the oldest first, by contrast, goes from one to the other
    await configured({ requests: { order: 'oldest', longest: '6h' } })
    const before = gateway.stats.logQueries.length
    expect((await run('backfill', '--from', '60h', '--to', '6h')).code).toBe(0)
    const firsts = gateway.stats.logQueries.slice(before, before + 3)
    expect(new Set(firsts.map(({ after }) => after)).size).toBe(1)
  }, 60_000)
})

function order(device: string | undefined): number {
  return ['Meter', 'Thermostat', 'Sensor'].indexOf(device ?? '')
}
