import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts'
import { openSite, runProgram, type Site, startProgram } from '../support/program.ts'
import { gatewaySettings } from '../support/truth.ts'

const hourMs = 3_600_000
const until = Math.floor(Date.now() / hourMs - 3) * hourMs
const range = ['--from', new Date(until - 2 * hourMs).toISOString(), '--to', new Date(until).toISOString()]

/** What moves the cursor, colours, rings, reverses the text or ends a line, as a person would type none of it. */
const evil = 'x\u001b[2J\u009b2J\u0007\r\u202e\u2066\u0000y'
const steering = /[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029]/u

let gateway: Simulator
let site: Site

beforeAll(async () => {
  gateway = await startSimulator({
    devices: 6,
    interval: 300,
    historyStart: until - 3 * hourMs,
    oddities: { controlNames: 1, notNumbers: 0.02 },
    faults: { garbage: 0.02 },
    statusMs: 50,
  })
  site = await openSite({ gateways: { g: gatewaySettings(gateway, ['*/*/*/*']) }, sync: { since: '6h' } })
})
afterAll(async () => {
  await gateway.close()
  await site.remove()
})

/** No line holds what steers a terminal, whether it is piped or not. */
function expectPlain(...texts: string[]): void {
  for (const text of texts) for (const line of text.split('\n')) expect(line.replaceAll('\t', '')).not.toMatch(steering)
}

async function run(...args: string[]) {
  const ended = await runProgram([...args, '--config', site.file], { cwd: site.folder })
  expectPlain(ended.stdout, ended.stderr)
  return ended
}

test('names and frames of a gateway steer no terminal and forge no line, whatever command shows them', async () => {
  for (const args of [
    ['discover', 'g'],
    ['check'],
    ['plan', ...range],
    ['backfill', ...range],
    ['status'],
    ['status', '--json'],
    ['dead-letters'],
    ['dead-letters', '--json'],
  ]) {
    const { code, stdout } = await run(...args)
    expect([0, 3], args.join(' ')).toContain(code)
    expect(stdout, args.join(' ')).not.toBe('')
  }
  const points = new DatabaseSync(join(site.folder, 'data/points.db'))
  points.exec("DELETE FROM value WHERE series IN (SELECT id FROM series WHERE device LIKE '%EQUAL%')")
  points.close()
  const { stdout } = await run('verify', '--full', ...range)
  expect(stdout).toContain('\\u000aEQUAL, entry by entry.')
  expect(stdout).not.toMatch(/^EQUAL/m)
})

test('what the list of discover says is taken by the configuration', async () => {
  const { stdout } = await run('discover', 'g')
  const indented = stdout.replace(/^/gm, '    ')
  const { datapoints: _, ...settings } = gatewaySettings(gateway, [])
  writeFileSync(
    join(site.folder, 'discovered.yaml'),
    `gateways:\n  g:\n${Object.entries(settings)
      .map(([key, value]) => `    ${key}: ${JSON.stringify(value)}\n`)
      .join('')}${indented}`,
  )
  const { code, stderr } = await runProgram(['check', '--config', 'discovered.yaml'], { cwd: site.folder })
  expect(stderr).toBe('')
  expect(code).toBe(0)
})

test('actions of the general socket are shown as they are written in JSON', async () => {
  const watching = startProgram(['watch', 'g', '--actions', '--config', site.file])
  while (!watching.printed().includes('UPD:EVIL')) {
    gateway.emit(`UPD:EVIL${evil}`, { name: evil })
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  watching.child.kill('SIGINT')
  const { stdout, stderr } = await watching.ended
  expectPlain(stdout, stderr)
})

test('the words of a database steer no terminal', async () => {
  const database = createServer((request, response) => {
    response.statusCode = request.url?.startsWith('/ping') ? 204 : 400
    response.setHeader('x-influxdb-version', '1.8.10')
    response.end(
      request.url?.startsWith('/ping') ? undefined : JSON.stringify({ error: `partial write: ${evil}\nEQUAL` }),
    )
  })
  await new Promise<void>(resolve => database.listen(0, '127.0.0.1', resolve))
  const own = await openSite({
    gateways: { g: gatewaySettings(gateway, ['*/*/*/*']) },
    sink: {
      influxdb: { version: 1, url: `http://127.0.0.1:${(database.address() as AddressInfo).port}`, database: 'd' },
    },
  })
  try {
    for (const args of [['check'], ['backfill', ...range], ['dead-letters']]) {
      const { stdout, stderr } = await runProgram([...args, '--config', own.file])
      expectPlain(stdout, stderr)
      expect(stdout + stderr).not.toMatch(/^EQUAL/m)
    }
  } finally {
    database.close()
    await own.remove()
  }
})

test.each([
  [
    'a configuration',
    'evil.yaml',
    `gateways:\n  g: { "${evil.replace('\u0000', '')}": 1 }\n`,
    ['status', '--config', 'evil.yaml'],
  ],
  [
    'a CSV file',
    'evil.csv',
    `time,device,block,index,datapoint,value\n${evil},d,b,0,p,1\n`,
    ['simulate', '--csv', 'evil.csv'],
  ],
  ['a recording', 'evil.jsonl', `{"release":"${evil}"}\n`, ['simulate', '--replay', 'evil.jsonl']],
  [
    'options of the simulator',
    'evil.yaml',
    `"${evil.replace('\u0000', '')}": 1\n`,
    ['simulate', '--options', 'evil.yaml'],
  ],
])('what is wrong in %s is shown in plain text', async (_, file, content, args) => {
  writeFileSync(join(site.folder, file), content)
  const { code, stdout, stderr } = await runProgram(args, { cwd: site.folder })
  expect(code).toBe(2)
  expectPlain(stdout, stderr)
})
