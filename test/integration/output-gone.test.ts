import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts'
import { expectSame } from '../support/comparison.ts'
import { openSite, type Site, startProgram } from '../support/program.ts'
import { cellsOfSqlite } from '../support/stored-cells.ts'
import { allDatapoints, expectedCells, gatewaySettings } from '../support/truth.ts'

const main = resolve(import.meta.dirname, '../../src/main.ts')
const until = Math.floor(Date.now() / 3_600_000 - 2) * 3_600_000
const range = { after: until - 3_600_000, until }
const times = ['--from', new Date(range.after).toISOString(), '--to', new Date(range.until).toISOString()]

let gateway: Simulator
let site: Site

beforeAll(async () => {
  gateway = await startSimulator({ devices: 2, interval: 60, historyStart: range.after - 3_600_000, statusMs: 50 })
  site = await openSite()
})
afterAll(async () => {
  await gateway.close()
  await site.remove()
})

async function configure(name: string): Promise<string> {
  const points = join(site.folder, `${name}.db`)
  await site.configure({
    gateways: { g: gatewaySettings(gateway, allDatapoints(gateway)) },
    sink: { sqlite: { path: points } },
    ledger: `${name}-ledger.db`,
  })
  return points
}

describe('the work goes on, and the exit code says how it ended,', () => {
  test('when the readers of the output have gone', async () => {
    const points = await configure('gone')
    const { child, ended } = startProgram(['backfill', ...times, '--config', site.file])
    child.stdout?.destroy()
    child.stderr?.destroy()
    expect(await ended).toMatchObject({ code: 0 })
    expectSame(cellsOfSqlite(points), expectedCells(gateway.history, range.after, range.until))
  })

  test('when the disk of the output is full', async () => {
    const points = await configure('full')
    const full = openSync('/dev/full', 'w')
    const args = [main, 'backfill', ...times, '--config', site.file]
    const child = spawn(process.execPath, args, {
      env: { ...process.env, LOG_LEVEL: 'debug' },
      stdio: ['ignore', 'ignore', full],
    })
    closeSync(full)
    expect(await once(child, 'exit')).toEqual([0, null])
    expectSame(cellsOfSqlite(points), expectedCells(gateway.history, range.after, range.until))
  })
})

test('watch ends when its reader has gone', async () => {
  await configure('watch')
  const { child, ended, printed } = startProgram(['watch', 'g', '--actions', '--config', site.file])
  await expect.poll(printed, { timeout: 20_000 }).not.toBe('')
  child.stdout?.destroy()
  expect(await ended).toMatchObject({ code: 0 })
})
