import { connect } from 'node:tls'
import { afterEach, expect, test } from 'vitest'
import type { SimulatorOptions } from '../../../src/simulator/options.ts'
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts'
import { call, login, openSocket, range, readLog } from './client.ts'

const start = Date.parse('2024-03-01T00:00:00Z')
const hour = 3_600_000
const query = `?${range(start, start + 5 * hour)}`
const opened: Simulator[] = []

afterEach(() => Promise.all(opened.splice(0).map(simulator => simulator.close())))

async function open(options: SimulatorOptions = {}): Promise<Simulator> {
  const now = () => start + 48 * hour
  const simulator = await startSimulator({ devices: 5, historyStart: start, interval: 60, now, ...options })
  opened.push(simulator)
  return simulator
}

const read = async (simulator: Simulator, text = query) => await readLog(simulator, await login(simulator), text)
const rowsOf = (frames: readonly string[]) =>
  frames.filter(frame => frame !== '"end"').map(frame => JSON.parse(frame) as Record<string, unknown>)

test('an answer can be empty, or end in the middle of its range, with "end" and 1000 all the same', async () => {
  const simulator = await open()
  const whole = await read(simulator)
  simulator.setFaults({ empty: 1 })
  expect(await read(simulator)).toEqual({ frames: ['"end"'], code: 1000, reason: '' })
  simulator.setFaults({ empty: 0, short: 1 })
  const { frames, code } = await read(simulator)
  expect(code).toBe(1000)
  expect(frames.at(-1)).toBe('"end"')
  expect(frames.length).toBeLessThan(whole.frames.length)
  expect(frames.slice(0, -1)).toEqual(whole.frames.slice(0, frames.length - 1))
})

test('an error frame can stand in place of the entries', async () => {
  const { frames } = await read(await open({ faults: { errorFrame: 1 } }))
  expect(frames.length).toBe(2)
  expect(JSON.parse(frames[0]!)).toHaveProperty('error')
  expect(frames[1]).toBe('"end"')
})

test('an endless answer brings its entries again and never "end"', async () => {
  const simulator = await open({ faults: { endless: 1 } })
  const socket = openSocket(simulator, await login(simulator), `?${range(start, start + hour / 10)}`)
  const frames: string[] = []
  await new Promise<void>(resolve =>
    socket.on('message', data => {
      if (frames.push(String(data)) === 500) resolve()
    }),
  )
  socket.terminate()
  expect(frames).not.toContain('"end"')
  expect(frames.lastIndexOf(frames[0]!)).toBeGreaterThan(0)
})

test('bytes can come one by one, on the log socket and over REST', async () => {
  const simulator = await open({ faults: { drip: 1, restDrip: 1, dripMs: 1, empty: 1 } })
  const bytes = await readBytes(simulator, await login(simulator))
  // RFC 6455: a text frame that goes on, its continuations, and the last of them, each of one byte
  expect(bytes.subarray(0, 15).toString('latin1')).toBe('\x01\x01"\x00\x01e\x00\x01n\x00\x01d\x80\x01"')
  const { headers, text: version } = await call(simulator, 'GET', '/iap/version')
  expect(JSON.parse(version)).toHaveProperty('value')
  expect(headers['transfer-encoding']).toBe('chunked')
})

/** What comes over the TLS connection after the upgrade of a data-log request. */
async function readBytes({ port, certificatePem }: Simulator, cookie: string): Promise<Buffer> {
  const socket = connect({ host: '127.0.0.1', port, ca: certificatePem })
  const headers = ['Host: x', `Cookie: ${cookie}`, 'Connection: Upgrade', 'Upgrade: websocket']
  const keys = ['Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==']
  socket.write(`${[`GET /iap/ws${query} HTTP/1.1`, ...headers, ...keys].join('\r\n')}\r\n\r\n`)
  let bytes = Buffer.alloc(0)
  for await (const chunk of socket) {
    bytes = Buffer.concat([bytes, chunk as Buffer])
    // the close frame is answered, so that the server ends the connection
    if (bytes.includes(Buffer.from([0x88, 2]))) socket.end(Buffer.from([0x88, 0x82, 0, 0, 0, 0, 3, 0xe8]))
  }
  return bytes.subarray(bytes.indexOf('\r\n\r\n') + 4)
}

test('a REST answer can come late', async () => {
  const simulator = await open({ faults: { slowRest: 1, slowRestMs: 200 } })
  const began = performance.now()
  await call(simulator, 'GET', '/iap/version')
  expect(performance.now() - began).toBeGreaterThan(190)
})

test('a hundred pings come at once', async () => {
  const simulator = await open({ faults: { pings: 1 } })
  const socket = openSocket(simulator, await login(simulator), query)
  let pings = 0
  socket.on('ping', () => {
    pings += 1
  })
  await new Promise(resolve => socket.once('close', resolve))
  expect(pings).toBe(100)
})

test('strangers are entries of devices that are in no list, each a new one', async () => {
  const simulator = await open({ faults: { strangers: 1 } })
  const known = new Set(simulator.history.devices.map(({ name }) => name))
  const strangers = rowsOf((await read(simulator)).frames).filter(row => !known.has(String(row['deviceName'])))
  expect(strangers.length).toBeGreaterThan(100)
  expect(new Set(strangers.map(row => row['deviceName'])).size).toBe(strangers.length)
})

test.each([
  ['1795836000', /^1795836000$/],
  ['epoch', new RegExp(`^${(start + 48 * hour) / 1000 + 60}$`)],
])('a 503 says Retry-After: %s, over REST and at the upgrade', async (retryAfter, pattern) => {
  const simulator = await open({ faults: { restError: 1, refuseUpgrade: 1, refuseWith: [503], retryAfter } })
  const cookie = await login(simulator)
  expect((await call(simulator, 'GET', '/iap/devs', { cookie })).headers['retry-after']).toMatch(pattern)
  const socket = openSocket(simulator, cookie, query)
  const header = await new Promise(resolve =>
    socket.once('unexpected-response', (sent, answer) => {
      sent.destroy()
      resolve(answer.headers['retry-after'])
    }),
  )
  expect(header).toMatch(pattern)
})

test('an expired session can be answered with 503, over REST and at the upgrade', async () => {
  const simulator = await open({ expiredAnswer: '503', upgradeRefusal: 503 })
  expect(await call(simulator, 'GET', '/iap/devs')).toMatchObject({ status: 503 })
  await expect(readLog(simulator, 'cmsSID=old', query)).rejects.toThrow('upgrade 503')
})

test('the session cookie can be deleted and then set in one answer', async () => {
  const simulator = await open({ cookies: 'twice' })
  const body = { username: 'etl', password: 'secret' }
  const [first, second] = (await call(simulator, 'POST', '/iap/auth/login', { body })).headers['set-cookie'] as string[]
  expect(first).toMatch(/^cmsSID=deleted;.*Max-Age=0/)
  const cookie = second!.split(';')[0]!
  expect(await call(simulator, 'GET', '/iap/devs', { cookie })).toMatchObject({ status: 200 })
})

test('the Date header can differ from the clock, and the clock from this machine', async () => {
  const simulator = await open({ dateSkewMs: 2 * hour })
  const dateOf = async () => Date.parse(String((await call(simulator, 'GET', '/iap/version')).headers['date']))
  expect((await dateOf()) - simulator.now()).toBe(2 * hour)
  simulator.change({ dateSkewMs: -hour })
  expect((await dateOf()) - simulator.now()).toBe(-hour)
})

test('times finer than a millisecond are compared with all digits, or as milliseconds', async () => {
  const fine = { fractionDigits: 6, interval: 1 }
  const [exact, ms] = [await open(fine), await open({ ...fine, compare: 'ms' })]
  const irregular = [...exact.history.merged(() => true, start, start + hour)].find(({ nanos }) => nanos > 0)!
  const until = irregular.ms
  const utcs = async (simulator: Simulator, after: number, to: number) =>
    rowsOf((await read(simulator, `?${range(after, to)}`)).frames).map(row => row['utc'])
  const utc = `${irregular.utcText}Z[UTC]`
  expect(await utcs(exact, until - 1000, until)).not.toContain(utc)
  expect(await utcs(exact, until, until + 1000)).toContain(utc)
  expect(await utcs(ms, until - 1000, until)).toContain(utc)
  expect(await utcs(ms, until, until + 1000)).not.toContain(utc)
})

test('a raw + and a raw & before utc are understood where so configured, a lower-case t always', async () => {
  const raw = '?dev=*+name==Sensor%201&value=*+utc%3E2024-03-01T00:00:00.000&utc%3C=2024-03-01T01:00:00.000'
  expect(await read(await open(), raw)).toMatchObject({ code: 1008, frames: [] })
  const { frames, code } = await read(await open({ rawQueries: true }), raw)
  expect([code, frames.length > 10]).toEqual([1000, true])
  const lower = query.replaceAll('T', 't')
  expect((await read(await open(), lower)).frames).toEqual((await read(await open())).frames)
})

test.each<[keyof NonNullable<SimulatorOptions['oddities']>, RegExp]>([
  ['huge', /"value":"x{100000}"/],
  ['bigNumbers', /"value":90071992547\d{5},/],
  ['notNumbers', /"value":(NaN|-Infinity),/],
  ['unavailable', /"value":"(unavailable|NaN|-|)",/],
])('the values can be %s', async (oddity, pattern) => {
  const { frames } = await read(await open({ oddities: { [oddity]: 1 } }), `?${range(start, start + 60_000)}`)
  expect(frames.length).toBeGreaterThan(1)
  for (const frame of frames.slice(0, -1)) expect(frame).toMatch(pattern)
})

test('a value can be a hundred thousand lists deep', async () => {
  const { frames } = await read(await open({ oddities: { deep: 1 } }), `?dev=2&${range(start, start + 60_000)}`)
  expect(frames[0]).toContain(`"value":${'['.repeat(100_000)}0${']'.repeat(100_000)},`)
})

test('device names can hold control characters, in the list and in entries', async () => {
  const simulator = await open({ oddities: { controlNames: 1 } })
  const cookie = await login(simulator)
  const devices = JSON.parse((await call(simulator, 'GET', '/iap/devs', { cookie })).text) as { name: string }[]
  const strange = /[\p{Cc}\u202a-\u202e]/u
  for (const { name } of devices.slice(1)) expect(name).toMatch(strange)
  for (const row of rowsOf((await read(simulator)).frames)) expect(row['deviceName']).toMatch(strange)
})
