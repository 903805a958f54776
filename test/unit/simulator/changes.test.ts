import { afterEach, expect, test } from 'vitest'
import type { SimulatorOptions } from '../../../src/simulator/options.ts'
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts'
import { call, login, openSocket, range, readLog } from './client.ts'

const start = Date.parse('2024-03-01T00:00:00Z')
const hour = 3_600_000
const opened: Simulator[] = []

afterEach(() => Promise.all(opened.splice(0).map(simulator => simulator.close())))

async function open(options: SimulatorOptions = {}) {
  let time = start + 10 * hour
  const simulator = await startSimulator({
    ...{ devices: 5, historyStart: start, interval: 60, now: () => time, statusMs: 0 },
    ...options,
  })
  opened.push(simulator)
  const pass = (ms: number) => {
    time += ms
  }
  return { simulator, pass }
}

async function read(simulator: Simulator, after: number, until: number, filter = '') {
  const { frames } = await readLog(simulator, await login(simulator), `?${filter}${range(after, until)}`)
  return frames.slice(0, -1).map(frame => JSON.parse(frame) as Record<string, unknown>)
}

async function list(simulator: Simulator, path = '/iap/devs') {
  const cookie = await login(simulator)
  const { text } = await call(simulator, 'GET', path, { cookie })
  return JSON.parse(text) as { id: string; name: string; category: string }[]
}

const truth = (simulator: Simulator, after: number, until: number) =>
  [...simulator.history.merged(() => true, after, until)].filter(({ storedAt }) => storedAt <= simulator.now())

test('where the clock is set back, the hour is lived again and has the entries of both times', async () => {
  const { simulator, pass } = await open()
  const hourBefore = [start + 9 * hour, start + 10 * hour] as const
  const first = await read(simulator, ...hourBefore)
  simulator.change({ moveClockMs: -hour })
  expect(simulator.now()).toBe(start + 9 * hour)
  expect(await read(simulator, ...hourBefore)).toEqual(first)
  pass(hour)
  const both = await read(simulator, ...hourBefore)
  expect(both.length).toBeGreaterThan(first.length * 1.5)
  for (const row of first) expect(both).toContainEqual(row)
  expect(both.map(row => row['utc'])).toEqual(truth(simulator, ...hourBefore).map(({ utcText }) => `${utcText}Z[UTC]`))
})

test('where the clock is set forward, nothing was logged in between', async () => {
  const { simulator, pass } = await open()
  simulator.change({ moveClockMs: hour })
  pass(hour)
  expect(await read(simulator, start + 10 * hour, start + 11 * hour)).toEqual([])
  expect((await read(simulator, start + 11 * hour, start + 12 * hour)).length).toBeGreaterThan(100)
})

test('it can boot in 1970 for a while, and logs there', async () => {
  const { simulator, pass } = await open({
    script: [
      { at: { afterMs: 0 }, clock: '1970-01-01T00:02:00Z' },
      { at: { afterMs: 1_200_000 }, clock: 'right' },
    ],
  })
  const date = async () => Date.parse(String((await call(simulator, 'GET', '/iap/version')).headers['date']))
  expect(await date()).toBe(120_000)
  pass(600_000)
  expect((await read(simulator, 0, hour)).length).toBeGreaterThan(5)
  pass(600_000)
  expect(await date()).toBe(start + 10 * hour + 1_200_000)
  expect((await read(simulator, 0, hour)).length).toBeGreaterThan(5)
  expect((await read(simulator, start, start + hour)).length).toBeGreaterThan(100)
})

test('steps happen at a request, within it and after it', async () => {
  const { simulator } = await open({
    script: [
      { at: { request: 1 }, dateSkewMs: 1000 },
      { at: { request: 2, entries: 10 }, rename: { device: 'Sensor 1', to: 'Renamed' } },
      { at: { closed: 2 }, renumber: 100 },
    ],
  })
  const date = async () => Date.parse(String((await call(simulator, 'GET', '/iap/version')).headers['date']))
  expect((await date()) - simulator.now()).toBe(0)
  await read(simulator, start, start + hour)
  expect((await date()) - simulator.now()).toBe(1000)
  const rows = await read(simulator, start, start + hour, 'dev=2&')
  expect(rows.slice(0, 10).every(row => row['deviceName'] === 'Sensor 1')).toBe(true)
  expect(rows.slice(10).every(row => row['deviceName'] === 'Renamed')).toBe(true)
  await expect.poll(async () => (await list(simulator)).some(({ id }) => id === '102')).toBe(true)
})

test('a renamed device or datapoint is found by its new name alone, its entries of before too', async () => {
  const { simulator } = await open()
  const byName = (name: string) => `dev=%2A%2Bname%3D%3D${encodeURIComponent(name)}&`
  const before = await read(simulator, start, start + hour, byName('Sensor 1'))
  simulator.change({ rename: { device: 'Sensor 1', to: 'Lobby' } })
  expect(await read(simulator, start, start + hour, byName('Sensor 1'))).toEqual([])
  expect(await read(simulator, start, start + hour, byName('Lobby'))).toEqual(
    before.map(row => ({ ...row, deviceName: 'Lobby' })),
  )
  simulator.change({ rename: { device: 'Lobby', xif: 'nvoTemperature', to: 'Warmth' } })
  const warmth = await read(simulator, start, start + hour, 'dpName=%2A%2Bname%3D%3DWarmth&')
  expect(warmth.length).toBeGreaterThan(30)
  expect((await list(simulator)).map(({ name }) => name)).toContain('Lobby')
})

test('re-numbered by one, each device has the former id of the next', async () => {
  const { simulator } = await open()
  const names = async () => (await list(simulator)).filter(it => it.category === 'EDGE').map(it => [it.id, it.name])
  const before = await names()
  simulator.change({ renumber: 1 })
  expect(await names()).toEqual(before.map(([id, name]) => [String(Number(id) + 1), name]))
  const rows = await read(simulator, start, start + hour, 'dev=3&')
  expect(new Set(rows.map(row => row['deviceName']))).toEqual(new Set(['Sensor 1']))
})

test('the device list is incomplete for a while, the log is not, and new devices are announced', async () => {
  const { simulator } = await open()
  simulator.change({ hide: 0.4 })
  expect((await list(simulator)).length).toBe(1 + 3)
  expect(new Set((await read(simulator, start, start + hour)).map(row => row['deviceName'])).size).toBe(5)
  const socket = openSocket(simulator, await login(simulator), '')
  const told: unknown[] = []
  socket.on('message', data => told.push(JSON.parse(String(data))))
  await new Promise(resolve => socket.once('open', resolve))
  simulator.change({ hide: 0 })
  expect((await list(simulator)).length).toBe(1 + 5)
  await expect
    .poll(() => told)
    .toMatchObject([
      { action: 'UPD:DEVICE', payload: { name: 'Pump 4' } },
      { action: 'UPD:DEVICE', payload: { name: 'Lamp 5' } },
    ])
})

test('a paused log has a gap, whether it is paused over REST, by its tag or by not polling', async () => {
  const { simulator, pass } = await open()
  const cookie = await login(simulator)
  const put = (body: string, tags = '') => call(simulator, 'PUT', `/iap/log/state${tags}`, { cookie, body })
  const state = async (tags = '') => (await call(simulator, 'GET', `/iap/log/state${tags}`, { cookie })).text
  const tag = '?tags=log_level_1'
  const gap = async (pause: () => unknown, resume: () => unknown) => {
    const from = simulator.now()
    await pause()
    pass(hour)
    await resume()
    pass(hour)
    expect(await read(simulator, from, from + hour)).toEqual([])
    expect((await read(simulator, from + hour, from + 2 * hour)).length).toBeGreaterThan(100)
  }
  expect(await state()).toBe('Enabled')
  await gap(
    () => put('disabled'),
    () => put('enabled'),
  )
  await gap(
    async () => {
      expect(await put('disabled', tag)).toMatchObject({ status: 204 })
      expect(JSON.parse(await state(tag))).toEqual([{ name: 'log_level_1', value: '1', log_state: 'disabled' }])
    },
    () => put('enabled', tag),
  )
  await gap(
    async () => {
      simulator.change({ monitoring: false })
      const { text } = await call(simulator, 'GET', '/iap/dlaRules/monitoring', { cookie })
      expect(JSON.parse(text)).toEqual({ value: false })
    },
    () => simulator.change({ monitoring: true }),
  )
  expect(await put('off')).toMatchObject({ status: 400 })
})

test('every session can end, and every connection be cut', async () => {
  const { simulator } = await open()
  const cookie = await login(simulator)
  const socket = openSocket(simulator, cookie, '')
  await new Promise(resolve => socket.once('open', resolve))
  const closed = new Promise(resolve => socket.once('close', resolve))
  simulator.change({ disconnect: true })
  expect(await closed).toBe(1006)
  simulator.change({ expireSessions: true })
  expect(await call(simulator, 'GET', '/iap/devs', { cookie })).toMatchObject({ status: 401 })
})

test('a change of some faults leaves the others, and nonsense is refused by name', async () => {
  const { simulator } = await open({ faults: { empty: 1 } })
  simulator.change({ faults: { trickle: 0 } })
  expect(await read(simulator, start, start + hour)).toEqual([])
  expect(() => simulator.change({ hide: 2 })).toThrow('hide must be a number between 0 and 1, not 2')
  expect(() => simulator.change({ faults: { empty: 2 } })).toThrow('faults.empty must be')
  await expect(startSimulator({ script: [{ at: {}, hide: 1 }] })).rejects.toThrow('script.0.at must be one of afterMs')
})
