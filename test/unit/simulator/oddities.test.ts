import { afterEach, expect, test } from 'vitest'
import type { Entry } from '../../../src/simulator/history.ts'
import type { Oddities } from '../../../src/simulator/oddities.ts'
import type { SimulatorOptions } from '../../../src/simulator/options.ts'
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts'
import { login, range, readLog } from './client.ts'

const start = Date.parse('2024-03-01T00:00:00Z')
const hour = 3_600_000
const opened: Simulator[] = []

afterEach(() => Promise.all(opened.splice(0).map(simulator => simulator.close())))

async function open(oddities: Oddities, options: SimulatorOptions = {}): Promise<Simulator> {
  const now = () => start + 48 * hour
  const simulator = await startSimulator({ devices: 10, historyStart: start, interval: 60, now, oddities, ...options })
  opened.push(simulator)
  return simulator
}

async function read(simulator: Simulator, after = start, until = start + 5 * hour): Promise<Record<string, unknown>[]> {
  const answer = await readLog(simulator, await login(simulator), `?${range(after, until)}`)
  expect(answer.frames.at(-1)).toBe('"end"')
  return answer.frames.slice(0, -1).map(frame => JSON.parse(frame))
}

const truth = (simulator: Simulator, after = start, until = start + 5 * hour): Entry[] => [
  ...simulator.history.merged(() => true, after, until),
]

test('strange values are in the truth and on the wire alike', async () => {
  const simulator = await open({ nullValues: 0.1, booleans: 0.1, nested: 0.1 })
  const rows = await read(simulator)
  const entries = truth(simulator)
  expect(rows.map(row => row['value'])).toEqual(entries.map(entry => entry.value))
  expect(rows.some(row => row['value'] === null)).toBe(true)
  expect(rows.some(row => typeof row['value'] === 'boolean')).toBe(true)
  expect(rows.some(row => JSON.stringify(row['value']).startsWith('{"point":['))).toBe(true)
})

test('two entries of one datapoint can have one time and different values, also where a range is cut there', async () => {
  const simulator = await open({ sameMs: 0.2 })
  const datapoint = simulator.history.datapoints.find(({ xif }) => xif === 'nvoTemperature')!
  const entries = [...simulator.history.entries(datapoint, start, start + 24 * hour)]
  const twins = entries.filter((entry, i) => i > 0 && entries[i - 1]!.utcText === entry.utcText)
  expect(twins.length).toBeGreaterThan(10)
  const { ms } = twins[0]!
  expect([...simulator.history.entries(datapoint, ms - 1, ms)].length).toBe(2)
  expect([...simulator.history.entries(datapoint, ms, ms + 1)].length).toBe(0)
})

test('late entries are not there at their time and are there when they are stored', async () => {
  let now = start + 5 * hour
  const simulator = await open({ late: 0.2, lateMs: hour }, { now: () => now })
  const entries = truth(simulator)
  const late = entries.filter(entry => entry.storedAt > now)
  expect(late.length).toBeGreaterThan(10)
  expect((await read(simulator)).length).toBe(entries.length - late.length)
  now += hour
  expect((await read(simulator)).length).toBe(entries.length)
})

test('entries from the future are there before their time', async () => {
  const simulator = await open({ future: 0.1 }, { now: () => start + 2 * hour })
  const rows = await read(simulator)
  const expected = truth(simulator).filter(entry => entry.storedAt <= start + 2 * hour)
  expect(rows.map(row => row['utc'])).toEqual(expected.map(entry => `${entry.utcText}Z[UTC]`))
  expect(expected.some(entry => entry.ms > start + 2 * hour)).toBe(true)
})

test('ids come as numbers, strings or segment.DID, and unknown fields come along', async () => {
  const simulator = await open({ stringIds: 0.3, segmentIds: 0.3, extraFields: 0.3 })
  const rows = await read(simulator)
  const first = rows.filter(row => row['deviceName'] === 'Sensor 1')
  expect(new Set(first.map(row => row['deviceId']))).toEqual(new Set([2, '2', '17q4bn7.1']))
  expect(new Set(first.map(row => row['blockIndex']))).toEqual(new Set([0, '0']))
  expect(rows.some(row => 'deviceHandle' in row)).toBe(true)
  expect(rows.some(row => !('deviceHandle' in row))).toBe(true)
})

test('some datapoints have no name and some no qualifier, for good', async () => {
  const simulator = await open({ nullNames: 0.5, nullQualifiers: 0.5 })
  const rows = await read(simulator)
  for (const [field, key] of [
    ['name', 'name'],
    ['dpQualifier', 'dpQualifier'],
  ] as const) {
    const nulls = new Set(rows.filter(row => row[field] === null).map(row => row['id']))
    const others = new Set(rows.filter(row => row[field] !== null).map(row => row['id']))
    expect(nulls.size).toBeGreaterThan(0)
    expect(others.size).toBeGreaterThan(0)
    expect([...nulls].some(id => others.has(id))).toBe(false)
    expect(nulls.size).toBe(simulator.history.datapoints.filter(datapoint => datapoint[key] === null).length)
  }
})

test('awkward device names are on the wire as they are and can be asked for', async () => {
  const simulator = await open({ awkwardNames: 1 })
  const cookie = await login(simulator)
  for (const device of simulator.history.devices) {
    const filter = encodeURIComponent(`*+name==${device.name}`).replaceAll('*', '%2A')
    const answer = await readLog(simulator, cookie, `?dev=${filter}&${range(start, start + hour)}`)
    expect(answer.frames.length).toBeGreaterThan(1)
    for (const frame of answer.frames.slice(0, -1)) expect(JSON.parse(frame).deviceName).toBe(device.name)
  }
})

test.each([0, 2, 3, 6, 9])('times have %i fraction digits on the wire and in the truth', async fractionDigits => {
  const simulator = await open({}, { fractionDigits })
  const rows = await read(simulator)
  expect(rows.map(row => row['utc'])).toEqual(truth(simulator).map(entry => `${entry.utcText}Z[UTC]`))
  const pattern = new RegExp(
    `^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d${fractionDigits > 0 ? `\\.\\d{${fractionDigits}}` : ''}Z\\[UTC\\]$`,
  )
  for (const row of rows) expect(row['utc']).toMatch(pattern)
  for (const entry of truth(simulator)) {
    const digits = entry.utcText.slice(20).padEnd(9, '0')
    expect(Date.parse(`${entry.utcText.slice(0, 19)}Z`) + Number(digits.slice(0, 3))).toBe(entry.ms)
    expect(Number(digits.slice(3))).toBe(entry.nanos)
  }
})

test('times as Java prints them leave out what is zero', async () => {
  const simulator = await open({}, { timeText: 'java', fractionDigits: 0 })
  const utc = (await read(simulator)).map(row => String(row['utc']))
  expect(utc.some(text => /T\d\d:\d\dZ/.test(text))).toBe(true)
  expect(utc.every(text => /T\d\d:\d\d(:\d\d)?Z\[UTC\]$/.test(text) && !/:00Z/.test(text.slice(16)))).toBe(true)
})

test('the local time repeats an hour when summer time ends, and the offset tells which is which', async () => {
  const fold = Date.parse('2023-11-05T09:00:00Z')
  const simulator = await open({}, { historyStart: fold - 5 * hour, now: () => fold + 5 * hour })
  const rows = await read(simulator, fold - hour, fold + hour)
  const locals = rows.map(row => String(row['local']))
  expect(locals.some(text => /^2023-11-05T01:.*-07:00\[America\/Los_Angeles\]$/.test(text))).toBe(true)
  expect(locals.some(text => /^2023-11-05T01:.*-08:00\[America\/Los_Angeles\]$/.test(text))).toBe(true)
  for (const row of rows) {
    const local = Date.parse(String(row['local']).split('[')[0]!)
    expect(local).toBe(Date.parse(String(row['utc']).replace('[UTC]', '')))
  }
})

test.each([
  ['UTC', /Z\[UTC\]$/],
  ['Asia/Kathmandu', /\+05:45\[Asia\/Kathmandu\]$/],
])('a gateway can stand in zone %s', async (zone, pattern) => {
  const simulator = await open({}, { zone })
  for (const row of await read(simulator)) expect(row['local']).toMatch(pattern)
})

test('tags can be a list', async () => {
  const simulator = await open({}, { tagsShape: 'array' })
  expect((await read(simulator))[0]!['tags']).toContain('log_level_1')
})

test('a clock that is wrong moves what counts as now', async () => {
  const simulator = await open({}, { clockSkewMs: -46 * hour })
  const rows = await read(simulator)
  expect(rows.length).toBe(truth(simulator, start, start + 2 * hour).length)
})

test('retention prunes as time goes on', async () => {
  let now = start + 4 * hour
  const simulator = await open({}, { retentionMs: 3 * hour, now: () => now })
  const oldest = async () => Date.parse(String((await read(simulator))[0]!['utc']).replace('[UTC]', ''))
  expect(await oldest()).toBeGreaterThanOrEqual(start + hour)
  now += hour
  expect(await oldest()).toBeGreaterThanOrEqual(start + 2 * hour)
})

test.each(['2.80', '3.10', '3.20.114', '3.60', '4.10'] as const)('release %s sends its own fields', async release => {
  const simulator = await open({}, { release })
  const row = (await read(simulator))[0]!
  expect('deviceState' in row).toBe(release === '2.80')
  expect('presetValue' in row).toBe(release === '2.80')
  expect('tags' in row).toBe(release === '3.60' || release === '4.10')
})
