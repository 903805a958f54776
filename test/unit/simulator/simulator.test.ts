import { X509Certificate } from 'node:crypto'
import { connect } from 'node:tls'
import { afterEach, expect, test } from 'vitest'
import type { SimulatorOptions } from '../../../src/simulator/options.ts'
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts'
import { call, encodeValue, login, openSocket, range, readLog } from './client.ts'

const start = Date.parse('2024-03-01T00:00:00Z')
const hour = 3_600_000
const opened: Simulator[] = []

afterEach(() => Promise.all(opened.splice(0).map(simulator => simulator.close())))

async function open(options: SimulatorOptions = {}): Promise<Simulator> {
  const now = () => start + 48 * hour
  const simulator = await startSimulator({ devices: 6, historyStart: start, now, ...options })
  opened.push(simulator)
  return simulator
}

function truth(simulator: Simulator, after: number, until: number, filter: (deviceId: number) => boolean = () => true) {
  const entries = simulator.history.merged(datapoint => filter(datapoint.deviceId), after, until)
  return [...entries].map(simulator.frame)
}

test('a log query brings exactly the stored entries, then "end", then close 1000', async () => {
  const simulator = await open()
  const cookie = await login(simulator)
  const answer = await readLog(simulator, cookie, `?${range(start + hour, start + 5 * hour)}`)
  const expected = truth(simulator, start + hour, start + 5 * hour)
  expect(expected.length).toBeGreaterThan(100)
  expect(answer.frames).toEqual([...expected, '"end"'])
  expect(answer.code).toBe(1000)
  expect(simulator.stats).toMatchObject({ logins: 1, logRequests: 1, openLogSockets: 0, maxOpenLogSockets: 1 })
  expect(simulator.stats.entriesSent).toBe(expected.length)
  expect(simulator.stats.logQueries[0]).toMatchObject({ ended: true, closeCode: 1000, after: start + hour })
})

test('each entry is one JSON object with the documented fields', async () => {
  const simulator = await open()
  const cookie = await login(simulator)
  const query = `?dev=2&blockName=${encodeValue('*+xifName==LightSensor')}&blockIndex=0&dpName=nvoLuxLevel&${range(start, start + hour)}`
  const answer = await readLog(simulator, cookie, query)
  expect(answer.frames.length).toBe(13)
  const [entry] = [...simulator.history.entries(simulator.history.datapoints[0]!, start, start + hour)]
  expect(JSON.parse(answer.frames[0]!)).toEqual({
    id: 300,
    local: `2024-02-29T16${entry!.utcText.slice(13)}-08:00[America/Los_Angeles]`,
    utc: `${entry!.utcText}Z[UTC]`,
    deviceId: 2,
    deviceName: 'Sensor 1',
    blockName: 'LightSensor',
    blockIndex: 0,
    datapointName: 'nvoLuxLevel',
    name: 'nvoLuxLevel',
    dpQualifier: '17q4bn7/lon/1/LightSensor/0/nvoLuxLevel',
    deviceHealth: 'normal',
    value: entry!.value,
    localizedValue: entry!.value,
    tags: { log_level_1: '1' },
  })
})

test('an unknown device and an empty range bring just "end"', async () => {
  const simulator = await open()
  const cookie = await login(simulator)
  expect((await readLog(simulator, cookie, `?dev=999&${range(start, start + hour)}`)).frames).toEqual(['"end"'])
  expect((await readLog(simulator, cookie, `?${range(start - 2 * hour, start - hour)}`)).frames).toEqual(['"end"'])
})

test('the gateway has not logged the future', async () => {
  const simulator = await open({ now: () => start + 2 * hour })
  const cookie = await login(simulator)
  const answer = await readLog(simulator, cookie, `?${range(start, start + 10 * hour)}`)
  expect(answer.frames).toEqual([...truth(simulator, start, start + 2 * hour), '"end"'])
})

test('a query that makes no sense is closed with 1008 and no "end", or answered as empty where so configured', async () => {
  const loud = await open()
  const bad = '?value=*+utc>2024-03-01T00:00:00.000'
  const answer = await readLog(loud, await login(loud), bad)
  expect(answer).toMatchObject({ frames: [], code: 1008 })
  expect(answer.reason).toContain('value')
  const quiet = await open({ badQuery: 'end' })
  expect(await readLog(quiet, await login(quiet), bad)).toMatchObject({ frames: ['"end"'], code: 1000 })
})

test('an upgrade without a session is refused', async () => {
  const simulator = await open()
  await expect(readLog(simulator, '', `?${range(start, start + hour)}`)).rejects.toThrow('upgrade 401')
  await expect(readLog(simulator, 'cmsSID=made-up', `?${range(start, start + hour)}`)).rejects.toThrow('upgrade 401')
  expect(simulator.stats.refusedUpgrades).toBe(2)
})

test('login answers the user, and the cookie opens what is behind it until logout by PUT or POST', async () => {
  const simulator = await open()
  const answer = await call(simulator, 'POST', '/iap/auth/login', {
    body: { username: 'etl', password: 'secret' },
    type: 'application/json;chars=utf-8',
  })
  expect(answer.status).toBe(200)
  expect(JSON.parse(answer.text)).toMatchObject({ userName: 'etl', customerId: 1 })
  for (const method of ['PUT', 'POST']) {
    const cookie = await login(simulator)
    expect(await call(simulator, 'GET', '/iap/users/current', { cookie })).toMatchObject({ status: 200 })
    expect(await call(simulator, method, '/iap/auth/logout', { cookie })).toMatchObject({ status: 204 })
    expect(await call(simulator, 'GET', '/iap/users/current', { cookie })).toMatchObject({ status: 401 })
  }
})

test('the version needs no login, the session timeout does and is a bare number', async () => {
  const simulator = await open({ sessionTimeoutMs: 60_000 })
  expect(JSON.parse((await call(simulator, 'GET', '/iap/version')).text)).toMatchObject({ value: '4.10.038' })
  expect((await call(simulator, 'GET', '/iap/auth/sessionTimeout')).status).toBe(401)
  const cookie = await login(simulator)
  expect((await call(simulator, 'GET', '/iap/auth/sessionTimeout', { cookie })).text).toBe('60000')
})

test('a wrong password is 401, and after five of them every login is 429 with a message until the lock ends', async () => {
  let now = start
  const simulator = await open({ now: () => now })
  const attempt = (password: string) =>
    call(simulator, 'POST', '/iap/auth/login', { body: { username: 'etl', password } })
  const statuses = []
  for (let i = 0; i < 5; i++) statuses.push((await attempt('wrong')).status)
  expect(statuses).toEqual([401, 401, 401, 401, 429])
  const locked = await attempt('secret')
  expect(locked.status).toBe(429)
  expect(JSON.parse(locked.text).message).toMatch(/^Too many failed login attempts/)
  now += 300_000
  expect((await attempt('secret')).status).toBe(200)
})

test('a session ends after its life whether used or not, unless sessions slide', async () => {
  for (const slidingSessions of [false, true]) {
    let now = start
    const simulator = await open({ now: () => now, sessionTimeoutMs: 1000, slidingSessions })
    const cookie = await login(simulator)
    const probe = async () => (await call(simulator, 'GET', '/iap/users/current', { cookie })).status
    now += 900
    expect(await probe()).toBe(200)
    now += 900
    expect(await probe()).toBe(slidingSessions ? 200 : 401)
    now += 1000
    expect(await probe()).toBe(401)
  }
})

test('the Date header tells the time of the gateway', async () => {
  const simulator = await open({ now: () => start })
  expect((await call(simulator, 'GET', '/iap/version')).headers['date']).toBe('Fri, 01 Mar 2024 00:00:00 GMT')
})

test('the certificate is self-signed for the address and its fingerprint is the one on the wire', async () => {
  const simulator = await open()
  const socket = connect({ host: '127.0.0.1', port: simulator.port, ca: simulator.certificatePem })
  const seen = await new Promise<string>((resolve, reject) => {
    socket.once('secureConnect', () => resolve(socket.getPeerCertificate().fingerprint256))
    socket.once('error', reject)
  })
  socket.destroy()
  expect(seen).toBe(simulator.fingerprint256)
  expect(seen).toMatch(/^[0-9A-F]{2}(:[0-9A-F]{2}){31}$/)
  expect(new X509Certificate(simulator.certificatePem).checkIP('127.0.0.1')).toBe('127.0.0.1')
})

test('a request costs its seconds before the first entry and entries come no faster than the rate', async () => {
  const simulator = await open({ cost: { secondsPerRequest: 0.2, entriesPerSecond: 1000 }, interval: 30 })
  const cookie = await login(simulator)
  const from = performance.now()
  const answer = await readLog(simulator, cookie, `?${range(start, start + hour)}`)
  const seconds = (performance.now() - from) / 1000
  // A quarter of a second of entries may come at once; the rest at 1000 a second.
  const least = 0.2 + (answer.frames.length - 1) / 1000 - 0.25
  expect(answer.frames.length).toBeGreaterThan(900)
  expect(seconds).toBeGreaterThan(least)
  expect(seconds).toBeLessThan(least + 2)
})

test('a client that stops reading stops the simulator, and nothing piles up', async () => {
  const simulator = await open({ interval: 1 })
  const cookie = await login(simulator)
  const socket = openSocket(simulator, cookie, `?${range(start, start + 8 * hour)}`)
  let received = 0
  await new Promise<void>(resolve => {
    socket.on('message', () => {
      received += 1
      if (received === 100) socket.pause()
      if (received === 100) resolve()
    })
  })
  // It has come to rest when nothing more was sent during 200 ms.
  let sent = -1
  while (simulator.stats.entriesSent !== sent) {
    sent = simulator.stats.entriesSent
    await new Promise(resolve => setTimeout(resolve, 200))
  }
  const whole = truth(simulator, start, start + 8 * hour).length
  expect(sent).toBeLessThan(whole / 2)
  expect(simulator.stats.maxBufferedBytes).toBeLessThan(1024 * 1024)
  const closed = new Promise(resolve => socket.once('close', resolve))
  socket.resume()
  await closed
  expect(received).toBe(whole + 1)
})

test('a client that leaves early frees its place', async () => {
  const simulator = await open({ cost: { entriesPerSecond: 10 } })
  const socket = openSocket(simulator, await login(simulator), `?${range(start, start + 40 * hour)}`)
  await new Promise(resolve => socket.once('message', resolve))
  expect(simulator.stats.openLogSockets).toBe(1)
  socket.terminate()
  await expect.poll(() => simulator.stats.openLogSockets).toBe(0)
  expect(simulator.stats.logQueries[0]).toMatchObject({ ended: false, closeCode: 1006 })
})

test('the general-purpose socket stays open', async () => {
  const simulator = await open()
  const socket = openSocket(simulator, await login(simulator), '')
  await new Promise(resolve => socket.once('open', resolve))
  expect(simulator.stats.logRequests).toBe(0)
  expect(socket.readyState).toBe(socket.OPEN)
})

test('closing cuts every socket, frees the port and may be asked for twice', async () => {
  const simulator = await open()
  const socket = openSocket(simulator, await login(simulator), '')
  await new Promise(resolve => socket.once('open', resolve))
  const code = new Promise(resolve => socket.once('close', resolve))
  expect(simulator.close()).toBe(simulator.close())
  await simulator.close()
  expect(await code).toBe(1006)
  const again = await open({ port: simulator.port })
  expect(again.port).toBe(simulator.port)
})

test.each([
  { devices: -1 },
  { interval: 0 },
  { fractionDigits: 0, interval: 0.5 },
  { seed: 1.5 },
  { lockAfter: 0 },
  { release: '9.99' as '4.10' },
  { zone: 'Atlantis/Capital' },
])('an option out of range is refused: %o', async options => {
  await expect(startSimulator(options)).rejects.toThrow(RangeError)
})
