import { afterEach, expect, test } from 'vitest'
import type { Faults } from '../../../src/simulator/faults.ts'
import type { SimulatorOptions } from '../../../src/simulator/options.ts'
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts'
import { call, type LogAnswer, login, openSocket, range, readLog } from './client.ts'

const start = Date.parse('2024-03-01T00:00:00Z')
const hour = 3_600_000
const opened: Simulator[] = []

afterEach(() => Promise.all(opened.splice(0).map(simulator => simulator.close())))

async function open(faults: Faults, options: SimulatorOptions = {}): Promise<Simulator> {
  const now = () => start + 48 * hour
  const simulator = await startSimulator({ devices: 6, historyStart: start, now, faults, ...options })
  opened.push(simulator)
  return simulator
}

function truth(simulator: Simulator, after: number, until: number): string[] {
  return [...simulator.history.merged(() => true, after, until)].map(simulator.frame)
}

const query = `?${range(start, start + 5 * hour)}`

test.each([1000, 1006, 1011])('a socket can be closed with %i and no "end"', async code => {
  const simulator = await open({ noEnd: 1, noEndCodes: [code] })
  const answer = await readLog(simulator, await login(simulator), query)
  expect(answer.code).toBe(code)
  expect(answer.frames).not.toContain('"end"')
  expect(simulator.stats.faults.noEnd).toBe(1)
  expect(simulator.stats.logQueries[0]).toMatchObject({ ended: false, faults: ['noEnd'] })
})

test('what comes before a missing "end" is the beginning of the truth', async () => {
  const simulator = await open({ noEnd: 1, noEndCodes: [1011], strikeWithin: 50 })
  const answer = await readLog(simulator, await login(simulator), query)
  expect(answer.frames.length).toBeLessThan(50)
  expect(answer.frames).toEqual(truth(simulator, start, start + 5 * hour).slice(0, answer.frames.length))
})

test('the TCP connection can be reset in the middle', async () => {
  const simulator = await open({ reset: 1, strikeWithin: 1 })
  const socket = openSocket(simulator, await login(simulator), query)
  // ws tells a reset only as close 1006; the socket below knows better.
  const error = await new Promise<NodeJS.ErrnoException>(resolve => {
    socket.once('upgrade', answer => answer.socket.once('error', resolve))
  })
  expect(error.code).toBe('ECONNRESET')
})

test('a stalled answer stays open in silence until the client leaves', async () => {
  const simulator = await open({ stall: 1, strikeWithin: 10 })
  const socket = openSocket(simulator, await login(simulator), query)
  await new Promise(resolve => socket.once('open', resolve))
  await expect.poll(() => simulator.stats.logQueries[0]?.faults).toEqual(['stall'])
  let closed = false
  socket.once('close', () => {
    closed = true
  })
  await new Promise(resolve => setTimeout(resolve, 300))
  expect(closed).toBe(false)
  expect(simulator.stats.logQueries[0]!.entries).toBeLessThan(10)
  socket.terminate()
  await expect.poll(() => simulator.stats.openLogSockets).toBe(0)
})

test('a stall with an end is cut without "end"', async () => {
  const simulator = await open({ stall: 1, stallMs: 50 })
  expect(await readLog(simulator, await login(simulator), query)).toMatchObject({ code: 1006 })
})

test('a trickling answer takes its time and is complete', async () => {
  const simulator = await open({ trickle: 1, trickleMs: 20 })
  const cookie = await login(simulator)
  const from = performance.now()
  const answer = await readLog(simulator, cookie, query)
  expect(performance.now() - from).toBeGreaterThan(20 * 19)
  expect(answer.frames).toEqual([...truth(simulator, start, start + 5 * hour), '"end"'])
})

test('a shuffled answer holds the same entries in another order', async () => {
  const simulator = await open({ shuffle: 1 })
  const answer = await readLog(simulator, await login(simulator), query)
  const expected = truth(simulator, start, start + 5 * hour)
  expect(answer.frames.slice(0, -1)).not.toEqual(expected)
  expect(answer.frames.slice(0, -1).sort()).toEqual(expected.sort())
  expect(answer.frames.at(-1)).toBe('"end"')
})

test('a reversed answer is the truth from back to front', async () => {
  const simulator = await open({ reverse: 1 })
  const answer = await readLog(simulator, await login(simulator), query)
  expect(answer.frames).toEqual([...truth(simulator, start, start + 5 * hour).reverse(), '"end"'])
})

test('duplicates are whole copies, and without them the truth remains', async () => {
  const simulator = await open({ duplicate: 0.2 })
  const answer = await readLog(simulator, await login(simulator), query)
  const expected = truth(simulator, start, start + 5 * hour)
  expect(answer.frames.length - 1).toBe(expected.length + simulator.stats.faults.duplicate!)
  expect(simulator.stats.faults.duplicate).toBeGreaterThan(5)
  expect([...new Set(answer.frames.slice(0, -1))].sort()).toEqual(expected.sort())
})

test('garbage comes between the entries and after "end", and is never the end marker', async () => {
  const simulator = await open({ garbage: 0.3, garbageAfterEnd: 1, oversized: 1, oversizedBytes: 300_000 })
  const answer = await readLog(simulator, await login(simulator), query)
  const expected = new Set(truth(simulator, start, start + 5 * hour))
  const odd = answer.frames.filter(frame => !expected.has(frame))
  expect(answer.frames.length - odd.length).toBe(expected.size)
  expect(odd.length).toBe(simulator.stats.oddFramesSent + 1)
  expect(odd.some(frame => frame.length === 300_000)).toBe(true)
  expect(answer.frames.indexOf('"end"')).toBe(answer.frames.length - 3)
})

test('pruning while it sends moves the start, and the history still tells what there was', async () => {
  const simulator = await open({ prune: 1, pruneMs: 3 * hour })
  const whole = truth(simulator, start, start + 5 * hour)
  const answer = await readLog(simulator, await login(simulator), query)
  expect(simulator.store.start).toBeGreaterThan(start)
  expect(answer.frames.length - 1).toBeLessThan(whole.length)
  expect(answer.frames.slice(0, -1).every(frame => whole.includes(frame))).toBe(true)
  expect(truth(simulator, start, start + 5 * hour)).toEqual(whole)
  const stored = [...simulator.store.read(() => true, start, start + 5 * hour)]
  expect(stored.every(entry => entry.ms >= simulator.store.start)).toBe(true)
})

test('a filter can be ignored and a range widened', async () => {
  const simulator = await open({ ignoreFilter: 1, widenRange: 1, widenMs: hour })
  const answer = await readLog(simulator, await login(simulator), `?dev=2&${range(start + hour, start + 2 * hour)}`)
  expect(answer.frames).toEqual([...truth(simulator, start, start + 3 * hour), '"end"'])
})

test.each([302, 401, 503])('an upgrade can be refused with %i', async status => {
  const simulator = await open({ refuseUpgrade: 1, refuseWith: [status] })
  const cookie = await login(simulator)
  await expect(readLog(simulator, cookie, query)).rejects.toThrow(`upgrade ${status}`)
})

test('a connection can be rejected before TLS', async () => {
  const simulator = await open({ rejectConnection: 1 })
  await expect(call(simulator, 'GET', '/iap/version')).rejects.toThrow()
  simulator.setFaults({ rejectConnection: 0 })
  expect(await call(simulator, 'GET', '/iap/version')).toMatchObject({ status: 200 })
})

test('a session can end while its request is answered: this answer is whole, the next is refused', async () => {
  const simulator = await open({ expireSession: 1 })
  const cookie = await login(simulator)
  expect((await readLog(simulator, cookie, query)).frames.at(-1)).toBe('"end"')
  await expect(readLog(simulator, cookie, query)).rejects.toThrow('upgrade 401')
})

test('where sockets die with their session, the answer is cut without "end"', async () => {
  const simulator = await open({ expireSession: 1 }, { expiryClosesSockets: true, interval: 1 })
  const answer = await readLog(simulator, await login(simulator), query)
  expect(answer).toMatchObject({ code: 1006 })
  expect(answer.frames).not.toContain('"end"')
})

test('REST can fail, login and version do not', async () => {
  const simulator = await open({ restError: 1 })
  const cookie = await login(simulator)
  expect(await call(simulator, 'GET', '/iap/devs', { cookie })).toMatchObject({ status: 503 })
})

test('the same requests meet the same faults in every run', async () => {
  const faults: Faults = { noEnd: 0.3, shuffle: 0.3, duplicate: 0.05, garbage: 0.05, refuseUpgrade: 0.2, reverse: 0.2 }
  const runs: { answers: (LogAnswer | string)[]; faults: object }[] = []
  for (let run = 0; run < 2; run++) {
    const simulator = await open(faults)
    const cookie = await login(simulator)
    const answers: (LogAnswer | string)[] = []
    for (let i = 0; i < 12; i++) answers.push(await readLog(simulator, cookie, query).catch(String))
    runs.push({ answers, faults: simulator.stats.faults })
  }
  expect(runs[0]!.faults).toMatchObject({ noEnd: expect.any(Number), refuseUpgrade: expect.any(Number) })
  // How much of a cut connection arrives is up to TCP; the 1006 answers are compared by their code alone.
  const comparable = (run: (typeof runs)[number]) =>
    run.answers.map(answer => (typeof answer === 'string' || answer.code !== 1006 ? answer : answer.code))
  expect(comparable(runs[1]!)).toEqual(comparable(runs[0]!))
  expect(runs[1]!.faults).toEqual(runs[0]!.faults)
})

test('too many sockets at once are refused with 503', async () => {
  const simulator = await open({}, { maxLogSockets: 1, cost: { entriesPerSecond: 10 } })
  const cookie = await login(simulator)
  const first = openSocket(simulator, cookie, query)
  await new Promise(resolve => first.once('open', resolve))
  await expect(readLog(simulator, cookie, query)).rejects.toThrow('upgrade 503')
  first.terminate()
})

test('with everything going wrong at once, asking again until "end" brings the whole truth', async () => {
  const simulator = await open({
    ...{ noEnd: 0.2, reset: 0.2, stall: 0.1, stallMs: 20, trickle: 0.1, trickleMs: 2, strikeWithin: 300 },
    ...{
      shuffle: 0.3,
      reverse: 0.3,
      duplicate: 0.05,
      garbage: 0.05,
      garbageAfterEnd: 0.5,
      oversized: 0.1,
      oversizedBytes: 100_000,
    },
    ...{ ignoreFilter: 0.3, widenRange: 0.3, refuseUpgrade: 0.2, rejectConnection: 0.1, expireSession: 0.2 },
  })
  const wanted = [...simulator.history.merged(({ deviceId }) => deviceId === 2, start, start + 24 * hour)].map(
    simulator.frame,
  )
  const all = new Set(truth(simulator, start - 2 * hour, start + 26 * hour))
  const received = new Set<string>()
  let tries = 0
  for (let after = start; after < start + 24 * hour; tries++) {
    const query = `?dev=2&${range(after, after + 2 * hour)}`
    const answer = await login(simulator)
      .then(cookie => readLog(simulator, cookie, query))
      .catch(() => undefined)
    if (answer === undefined || !answer.frames.includes('"end"')) continue
    for (const frame of answer.frames) if (all.has(frame)) received.add(frame)
    after += 2 * hour
  }
  expect(tries).toBeGreaterThan(15)
  expect(wanted.every(frame => received.has(frame))).toBe(true)
  const { noEnd, reset, refuseUpgrade, ignoreFilter, duplicate, garbage } = simulator.stats.faults
  for (const count of [noEnd, reset, refuseUpgrade, ignoreFilter, duplicate, garbage]) expect(count).toBeGreaterThan(0)
})
