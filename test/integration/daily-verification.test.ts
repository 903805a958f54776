import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts'
import { type Influxd, openInfluxd } from '../support/influxd.ts'
import { type LyingDatabase, openLyingDatabase } from '../support/lying-database.ts'
import { openSite, runProgram, type Site } from '../support/program.ts'
import { gatewaySettings } from '../support/truth.ts'

const dayMs = 86_400_000

let gateway: Simulator
let influxd: Influxd
let database: LyingDatabase
let site: Site

beforeAll(async () => {
  influxd = await openInfluxd({ database: 'd' })
  gateway = await startSimulator({ devices: 3, interval: 300, historyStart: Date.now() - 2 * dayMs })
})
afterAll(async () => {
  await gateway.close()
  await influxd.close()
})
beforeEach(async () => {
  database = await openLyingDatabase(influxd.url)
  site = await openSite()
  await configure()
  return async () => {
    await database.close()
    await site.remove()
  }
})

const configure = (sync: object = {}) =>
  site.configure({
    gateways: { g: gatewaySettings(gateway, ['Sensor 1/*/*/*', 'Meter 3/*/*/*']) },
    sink: { influxdb: { version: 1, url: database.url, database: 'd' } },
    ledger: 'ledger.db',
    sync: { since: '1d', ...sync },
  })

async function syncOnce() {
  const { code, stderr } = await runProgram(['sync', '--once', '--config', site.file])
  const lines = stderr.split('\n').filter(line => line !== '')
  return { code, verified: lines.map(line => JSON.parse(line)).filter(({ proof }) => proof !== undefined) }
}

async function json(...args: string[]) {
  const { code, stdout } = await runProgram([...args, '--config', site.file, '--json'])
  return { code, ...JSON.parse(stdout) }
}

const verifiedInStatus = async () => (await json('status')).gateways.g.verified

/** As if a day had passed since the last verification. */
function aDayPasses(): void {
  const ledger = new DatabaseSync(join(site.folder, 'ledger.db'))
  ledger.exec(`UPDATE gateway_memory SET json = json_set(json, '$.at', json_extract(json, '$.at') - ${dayMs})
    WHERE key LIKE 'check %'`)
  ledger.close()
}

describe('a sync that verifies by itself', () => {
  test('finds a database that acknowledges and keeps nothing, in its first pass', async () => {
    const first = await syncOnce()
    expect(first.code).toBe(3)
    expect(first.verified).toMatchObject([{ gateway: 'g', found: 0, level: 50 }])
    expect(await verifiedInStatus()).toMatchObject({ verdict: 'missing', found: 0, proof: first.verified[0].proof })
    const { stdout } = await runProgram(['status', '--config', site.file])
    expect(stdout).toContain('THE DATABASE HOLDS ONLY 0 of')
  }, 280_000)

  test('asks once a day, and is content with what is held', async () => {
    database.lies = false
    expect(await syncOnce()).toMatchObject({ code: 0, verified: [{ gateway: 'g', level: 30 }] })
    expect(await verifiedInStatus()).toMatchObject({ verdict: 'held' })
    expect(await syncOnce()).toMatchObject({ code: 0, verified: [] })
    aDayPasses()
    expect(await syncOnce()).toMatchObject({ code: 0, verified: [{ gateway: 'g' }] })
    // what is deleted later is found too, whatever of it
    await influxd.query('DELETE FROM datalog WHERE time < now() - 20h', { database: 'd' })
    aDayPasses()
    const { code, verified } = await syncOnce()
    expect({ code, verified }).toMatchObject({ code: 3, verified: [{ level: 50 }] })
    expect(verified[0].found).toBeLessThan(verified[0].proof)
    expect(await verifiedInStatus()).toMatchObject({ verdict: 'missing', found: verified[0].found })
    // and the next one within the hour is not fine either, without a query
    expect(await syncOnce()).toMatchObject({ code: 3, verified: [] })
    await configure({ verify: 'off' })
    expect(await syncOnce()).toMatchObject({ code: 0, verified: [] })
  }, 280_000)
})
