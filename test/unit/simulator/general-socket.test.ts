import { afterEach, expect, test } from 'vitest'
import type WebSocket from 'ws'
import type { SimulatorOptions } from '../../../src/simulator/options.ts'
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts'
import { call, login, openSocket, range, readLog } from './client.ts'

const start = Date.parse('2024-03-01T00:00:00Z')
const hour = 3_600_000
const opened: Simulator[] = []

afterEach(() => Promise.all(opened.splice(0).map(simulator => simulator.close())))

interface Message {
  readonly action: string
  readonly payload: unknown
}

async function open(options: SimulatorOptions = {}): Promise<Simulator> {
  const now = () => start + 48 * hour
  const simulator = await startSimulator({ devices: 6, historyStart: start, now, statusMs: 0, ...options })
  opened.push(simulator)
  return simulator
}

async function listen(simulator: Simulator, cookie: string): Promise<{ socket: WebSocket; messages: Message[] }> {
  const socket = openSocket(simulator, cookie, '')
  const messages: Message[] = []
  socket.on('message', data => messages.push(JSON.parse(String(data))))
  await new Promise(resolve => socket.once('open', resolve))
  return { socket, messages }
}

/** All that was sent has come when this marker has. */
async function settle(simulator: Simulator, ...listeners: { messages: Message[] }[]): Promise<void> {
  simulator.emit('TEST:MARK', null)
  for (const { messages } of listeners) {
    await expect.poll(() => messages.at(-1)?.action).toBe('TEST:MARK')
    messages.pop()
  }
}

const put = async (simulator: Simulator, cookie: string, path: string, body?: unknown) =>
  (await call(simulator, 'PUT', path, body === undefined ? { cookie } : { cookie, body })).status

test('any action reaches every general-purpose socket in its envelope, and none a log socket', async () => {
  const simulator = await open()
  const cookie = await login(simulator)
  const one = await listen(simulator, cookie)
  const other = await listen(simulator, cookie)
  simulator.emit('DEL:DEVICE', { id: 5 })
  await settle(simulator, one, other)
  expect(one.messages).toEqual([{ action: 'DEL:DEVICE', payload: { id: 5 } }])
  expect(other.messages).toEqual(one.messages)
  const log = await readLog(simulator, cookie, `?${range(start, start + hour)}`)
  expect(log.frames.some(frame => frame.includes('"action"'))).toBe(false)
  expect(simulator.stats.openGeneralSockets).toBe(2)
})

test('CPU comes only after publishing is switched on, in the form of the release', async () => {
  for (const [release, eps, cpu] of [
    ['3.10', 'UPD:EPS', { action: 'UPD:CPU', payload: 55 }],
    ['4.10', 'UPD:TOTAL_EPS', { action: 'UPD:SC:CPU', payload: { SmartServer: 55 } }],
  ] as const) {
    const simulator = await open({ release })
    const cookie = await login(simulator)
    const general = await listen(simulator, cookie)
    simulator.setCpu(55)
    simulator.sendStatus()
    await settle(simulator, general)
    expect(general.messages.map(({ action }) => action)).toContain(eps)
    expect(general.messages.some(({ action }) => action.includes('CPU'))).toBe(false)
    expect(await put(simulator, cookie, '/iap/storage/publishes/true')).toBe(204)
    simulator.sendStatus()
    await settle(simulator, general)
    expect(general.messages).toContainEqual(cpu)
    expect(general.messages.some(({ action }) => action === 'NTF:TIME')).toBe(release === '4.10')
  }
})

test('the CPU rises with the entries that are sent', async () => {
  const simulator = await open({ cost: { entriesPerSecond: 4000 }, interval: 10 })
  const cookie = await login(simulator)
  const cpu = async () => {
    const answer = await call(simulator, 'GET', '/iap/storage', { cookie })
    return Object.values(JSON.parse(answer.text).cpuUtilization)[0] as number
  }
  const idle = await cpu()
  await readLog(simulator, cookie, `?${range(start, start + 2 * hour)}`)
  expect(await cpu()).toBeGreaterThan(idle + 10)
  expect(await cpu()).toBeLessThanOrEqual(97)
})

test('subscribed datapoints are updated with what was logged since, and time stamps from 4.1 on', async () => {
  for (const release of ['3.60', '4.10'] as const) {
    let now = start + hour
    const simulator = await open({ release, now: () => now })
    const cookie = await login(simulator)
    const general = await listen(simulator, cookie)
    const datapoint = simulator.history.datapoints[0]!
    expect(await put(simulator, cookie, '/iap/dp/updates/subscribe', [datapoint.qualifier])).toBe(204)
    now += hour
    simulator.sendStatus()
    await settle(simulator, general)
    const expected = [...simulator.history.entries(datapoint, start + hour, start + 2 * hour)].map(entry => ({
      datapointQualifier: datapoint.qualifier,
      value: entry.value,
      locValue: entry.value,
      ...(release === '4.10' ? { timestamp: `${entry.utcText}Z[UTC]` } : {}),
    }))
    expect(expected.length).toBe(12)
    expect(general.messages.filter(({ action }) => action === 'UPD:DATAPOINT')).toEqual([
      { action: 'UPD:DATAPOINT', payload: expected },
    ])
  }
})

test('the last list of a login wins, and other logins are left alone', async () => {
  let now = start + hour
  const simulator = await open({ now: () => now, accounts: { other: 'pass' } })
  const first = await login(simulator)
  const second = await login(simulator)
  const other = await login(simulator, 'other', 'pass')
  const mine = await listen(simulator, first)
  const theirs = await listen(simulator, other)
  const [lux, temperature] = simulator.history.datapoints.map(({ qualifier }) => qualifier)
  await put(simulator, first, '/iap/dp/updates/subscribe', [lux])
  await put(simulator, other, '/iap/dp/updates/subscribe', [lux])
  await put(simulator, second, '/iap/dp/updates/subscribe', [temperature])
  now += hour
  simulator.sendStatus()
  await settle(simulator, mine, theirs)
  const told = (messages: Message[]) =>
    new Set(
      messages
        .filter(({ action }) => action === 'UPD:DATAPOINT')
        .flatMap(({ payload }) => payload as { datapointQualifier: string }[])
        .map(item => item.datapointQualifier),
    )
  expect(told(mine.messages)).toEqual(new Set([temperature]))
  expect(told(theirs.messages)).toEqual(new Set([lux]))
})

test('a second page of the same login can steal the subscription, until ours is made again', async () => {
  let now = start + hour
  const simulator = await open({ now: () => now })
  const cookie = await login(simulator)
  const general = await listen(simulator, cookie)
  const [datapoint] = simulator.history.datapoints
  const watched = async () => {
    now += hour
    simulator.sendStatus()
    await settle(simulator, general)
    const updates = general.messages.splice(0).filter(({ action }) => action === 'UPD:DATAPOINT')
    return updates.flatMap(({ payload }) => payload as { datapointQualifier: string }[])
  }
  await put(simulator, cookie, '/iap/dp/updates/subscribe', [datapoint!.qualifier])
  simulator.setFaults({ stealSubscription: 1 })
  const stolen = await watched()
  expect(stolen.length).toBeGreaterThan(0)
  expect(stolen.some(it => it.datapointQualifier === datapoint!.qualifier)).toBe(false)
  expect(simulator.stats.faults.stealSubscription).toBe(1)
  simulator.setFaults({ stealSubscription: 0 })
  expect((await watched()).some(it => it.datapointQualifier === datapoint!.qualifier)).toBe(false)
  await put(simulator, cookie, '/iap/dp/updates/subscribe', [datapoint!.qualifier])
  expect((await watched()).every(it => it.datapointQualifier === datapoint!.qualifier)).toBe(true)
})

test('reading a subscribed value on demand brings the fresh one over the socket', async () => {
  const simulator = await open()
  const cookie = await login(simulator)
  const general = await listen(simulator, cookie)
  const { qualifier } = simulator.history.datapoints[0]!
  await put(simulator, cookie, '/iap/dp/updates/subscribe', [qualifier])
  const path = `/iap/devs/*/if/*/*/${encodeURIComponent(`*+qualifier=-${qualifier}`)}/value?max_age=2&noxs=true`
  expect(await call(simulator, 'GET', path, { cookie })).toMatchObject({ status: 200 })
  await settle(simulator, general)
  expect(general.messages).toMatchObject([{ action: 'UPD:DATAPOINT', payload: [{ datapointQualifier: qualifier }] }])
})

test('what was logged while no socket was open is not sent afterwards', async () => {
  let now = start + hour
  const simulator = await open({ now: () => now })
  const cookie = await login(simulator)
  const { qualifier } = simulator.history.datapoints[0]!
  await put(simulator, cookie, '/iap/dp/updates/subscribe', [qualifier])
  now += hour
  const general = await listen(simulator, cookie)
  simulator.sendStatus()
  await settle(simulator, general)
  expect(general.messages.some(({ action }) => action === 'UPD:DATAPOINT')).toBe(false)
})

test('a subscription that is no list of texts is refused', async () => {
  const simulator = await open()
  const cookie = await login(simulator)
  expect(await put(simulator, cookie, '/iap/dp/updates/subscribe', { qualifier: 'x' })).toBe(400)
})

test('status updates come by themselves while someone listens', async () => {
  const simulator = await open({ statusMs: 20 })
  const general = await listen(simulator, await login(simulator))
  await expect.poll(() => general.messages.filter(({ action }) => action === 'UPD:TOTAL_EPS').length).toBeGreaterThan(2)
})

test('where sockets die with their session, the general-purpose socket does too', async () => {
  const simulator = await open({ expiryClosesSockets: true })
  const { socket } = await listen(simulator, await login(simulator))
  const code = new Promise(resolve => socket.once('close', resolve))
  simulator.expireSessions()
  simulator.sendStatus()
  expect(await code).toBe(1006)
})
