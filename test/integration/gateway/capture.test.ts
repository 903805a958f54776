import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts'
import { openSite, runProgram, type Site, startProgram } from '../../support/program.ts'
import { gatewaySettings } from '../../support/truth.ts'

const hour = 3_600_000
const password = 'a-password-that-must-not-be-seen'

let gateway: Simulator
let site: Site
let out: string

beforeEach(async () => {
  gateway = await startSimulator({ devices: 3, interval: 60, password })
  site = await openSite({
    gateways: { g: { ...gatewaySettings(gateway, ['*/*/*/*']), password } },
    requests: { longest: '6h' },
  })
  out = join(site.folder, 'recording.ndjson')
})
afterEach(async () => {
  await gateway.close()
  await site.remove()
})

const iso = (ms: number) => new Date(ms).toISOString()

async function capture(after: number, until: number, ...datapoints: string[]) {
  const range = ['--from', iso(after), '--to', iso(until)]
  return await runProgram(['capture', 'g', ...datapoints, ...range, '--out', out, '--config', site.file])
}

async function parts(): Promise<Record<string, never>[]> {
  const text = await readFile(out, 'utf8')
  expect(text).not.toContain(password)
  expect(text).not.toContain('cmsSID')
  return text
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line))
}

test('capture keeps every frame as it came, request by request, for its owner alone', async () => {
  const until = Math.floor(Date.now() / hour) * hour - hour
  const after = until - 24 * hour
  expect((await capture(after, until)).code).toBe(0)
  const [head, ...rest] = await parts()
  expect(head).toMatchObject({ capture: 1, gateway: 'g', release: expect.stringMatching(/^4\.10/) })
  const frames = rest.flatMap(part => ('frame' in part ? [part['frame']] : []))
  const entries = [...gateway.history.merged(() => true, after, until)]
  expect([...frames].sort()).toEqual(entries.map(entry => gateway.frame(entry)).sort())
  // requests tile the range, each with its close
  const requests = rest.flatMap(part => ('request' in part ? [part['request']] : []))
  const closes = rest.filter(part => 'close' in part)
  expect(closes).toEqual(requests.map(() => ({ close: 1000, end: true })))
  expect(requests.length).toBeGreaterThan(3)
  let border = after
  for (const request of requests) {
    expect(request).toMatchObject({ after: border, query: expect.stringMatching(/^\/iap\/ws\?.*value=/) })
    border = request['until']
  }
  expect(border).toBe(until)
  expect((await stat(out)).mode & 0o777).toBe(0o600)
})

test('capture records a cut request as cut, with all that came before, and gives up when nothing else comes', async () => {
  gateway.setFaults({ noEnd: 1, noEndCodes: [1011], strikeWithin: 50 })
  const until = Math.floor(Date.now() / hour) * hour - hour
  const { code } = await capture(until - 12 * hour, until)
  expect(code).toBe(1)
  const found = await parts()
  const closes = found.filter(part => 'close' in part)
  expect(closes).toHaveLength(5)
  expect(closes.every(part => part['close'] === 1011 && part['end'] === false)).toBe(true)
  expect(found.some(part => 'frame' in part)).toBe(true)
})

test('capture records what a gateway sends after "end", as such', async () => {
  gateway.setFaults({ garbageAfterEnd: 1 })
  const until = Math.floor(Date.now() / hour) * hour - hour
  const { code, stderr } = await capture(until - hour, until)
  expect(code).toBe(3)
  expect(stderr).toContain('1 request failed')
  const frames = (await parts()).filter(part => 'frame' in part)
  const entries = [...gateway.history.merged(() => true, until - hour, until)].map(entry => gateway.frame(entry))
  expect(frames.filter(part => !('afterEnd' in part)).map(part => part['frame'])).toEqual(entries)
  expect(frames.filter(part => 'afterEnd' in part)).toHaveLength(2)
  expect((await parts()).at(-1)).toEqual({ close: 1000, end: true, failed: 'frame-after-end' })
})

test('capture never overwrites a file, and asks nothing of the gateway then', async () => {
  await writeFile(out, 'mine')
  const before = gateway.stats.logRequests
  expect((await capture(Date.now() - 2 * hour, Date.now() - hour)).code).toBe(2)
  expect(await readFile(out, 'utf8')).toBe('mine')
  expect(gateway.stats.logRequests).toBe(before)
})

test('capture does not ask a gateway beside a process that works with the same ledger', async () => {
  gateway.setFaults({ stall: 1, stallMs: 0, strikeWithin: 1 })
  const running = startProgram(['backfill', '--from', '1d', '--config', site.file])
  await expect.poll(() => gateway.stats.openLogSockets, { timeout: 15_000 }).toBe(1)
  const asked = gateway.stats.requests
  const { code, stderr } = await capture(Date.now() - 2 * hour, Date.now() - hour)
  expect(code).toBe(1)
  expect(stderr).toMatch(/another one is running \(backfill, pid \d+ on /)
  expect(gateway.stats.requests).toBe(asked)
  expect(gateway.stats.maxOpenLogSockets).toBe(1)
  running.child.kill('SIGINT')
  await running.ended
})

test('capture that is stopped says that its recording ends there, not that it goes on', async () => {
  gateway.setFaults({ stall: 1, stallMs: 0, strikeWithin: 1 })
  const running = startProgram(['capture', 'g', '--from', '1d', '--out', out, '--config', site.file])
  await expect.poll(() => gateway.stats.openLogSockets, { timeout: 15_000 }).toBe(1)
  running.child.kill('SIGINT')
  const { code, stderr } = await running.ended
  expect({ code, stderr }).toEqual({
    code: 130,
    stderr: 'Stopped. What was received so far is in the recording; a new recording needs a new file.\n',
  })
  expect((await parts()).at(-1)).toEqual({ close: null, end: false })
})

test('capture asks for nothing that is not settled yet', async () => {
  expect((await capture(Date.now() - hour, Date.now() + hour)).code).toBe(0)
  const requests = (await parts()).flatMap(part => ('request' in part ? [part['request']] : []))
  expect(Math.max(...requests.map(request => request['until']))).toBeLessThanOrEqual(Date.now() - 120_000)
})
