import { describe, expect, onTestFinished, test } from 'vitest'
import type { WebSocket } from 'ws'
import { systemClock } from '../../../src/cli/system-clock.ts'
import { isRejection, type LogEntry } from '../../../src/domain/entry.ts'
import type { ReleaseName } from '../../../src/simulator/releases.ts'
import { startSimulator } from '../../../src/simulator/simulator.ts'
import { decodeEntry } from '../../../src/smartserver/entry.ts'
import { Gateway } from '../../../src/smartserver/gateway.ts'
import { answerWith, failureOf, meetGateway, range, readAll } from '../../support/conforming-gateway.ts'

/** The example of §3.1. */
const example = {
  id: 48211,
  local: '2022-04-11T01:00:00.000-07:00[America/Los_Angeles]',
  utc: '2022-04-11T08:00:00.000Z[UTC]',
  deviceId: 5,
  deviceName: 'Sensor 1',
  blockName: 'LightSensor',
  blockIndex: 0,
  datapointName: 'nvoLuxLevel',
  name: 'nvoLuxLevel',
  dpQualifier: '17q4bn7/lon/5/LightSensor/0/nvoLuxLevel',
  deviceHealth: 'normal',
  value: 412,
  localizedValue: 412,
  tags: { log_level_1: '1' },
}
const at = Date.parse('2022-04-11T08:00:00Z')

/** Frames as they come out of a socket. */
async function received(...frames: readonly string[]): Promise<string[]> {
  const { gateway } = await meetGateway({ log: answerWith(...frames) })
  return await readAll(gateway)
}

/** An entry like the example with some fields changed, sent, received and read. */
async function readEntry(changes: object): Promise<LogEntry> {
  const [frame = ''] = await received(JSON.stringify({ ...example, ...changes }))
  const entry = decodeEntry(frame)
  if (isRejection(entry)) throw new Error(entry.detail)
  return entry
}

describe('§3 the stream', () => {
  test('[D] is one JSON object a text frame, without array and envelope; each is kept as it came', async () => {
    const frames = [JSON.stringify(example), '{"utc" : "x",\n "value":1.0}', '{"value":"Gebäude 電力"}']
    expect(await received(...frames)).toEqual(frames)
  })

  test('[C] ends with a text frame of the five bytes "end", quotes included', async () => {
    const bytes = Buffer.from([0x22, 0x65, 0x6e, 0x64, 0x22])
    const { gateway } = await meetGateway({
      log: socket => {
        socket.send('{"value":1}')
        socket.send(bytes, { binary: false })
        socket.close(1000)
      },
    })
    expect(await readAll(gateway)).toEqual(['{"value":1}'])
  })

  test.each(['end', "'end'", ' "end"', '{"end":true}'])('[C] does not end with %j', async last => {
    const { gateway } = await meetGateway({
      log: socket => {
        socket.send(last)
        socket.close(1000)
      },
    })
    expect(await failureOf(readAll(gateway))).toMatchObject({ code: 'no-end', retry: 'soon', reach: 'request' })
  })

  test('[C] may hold the word as a value: only the frame by itself is the end', async () => {
    const entry = JSON.stringify({ ...example, value: 'end' })
    expect(await received(entry, entry)).toEqual([entry, entry])
  })

  test.each<[string, (socket: WebSocket) => void]>([
    ['1000', socket => socket.close(1000)],
    ['1006, no close frame at all', socket => setTimeout(() => socket.terminate(), 20)],
    ['1011', socket => socket.close(1011)],
  ])('[?] after its end may be closed with %s', async (_, close) => {
    const { gateway } = await meetGateway({
      log: socket => {
        socket.send('"end"')
        close(socket)
      },
    })
    expect(await readAll(gateway)).toEqual([])
  })

  test.each<[string, (socket: WebSocket) => void]>([
    ['1000', socket => socket.close(1000)],
    ['1006', socket => setTimeout(() => socket.terminate(), 20)],
    ['1011', socket => socket.close(1011)],
  ])('[C] that closes with %s without its end is a failure, however much has come', async (_, close) => {
    const { gateway } = await meetGateway({
      log: socket => {
        for (let i = 0; i < 100; i++) socket.send(JSON.stringify({ ...example, value: i }))
        close(socket)
      },
    })
    expect(await failureOf(readAll(gateway))).toMatchObject({ code: 'no-end', retry: 'soon', work: { entries: 100 } })
  })

  test.each(['shuffle', 'reverse'] as const)('[C] may be out of order (%s): nothing is lost by it', async fault => {
    const inOrder = await readSimulated('4.10')
    const disordered = await readSimulated('4.10', { [fault]: 1 })
    expect(disordered).not.toEqual(inOrder)
    expect(disordered.toSorted()).toEqual(inOrder.toSorted())
  })
})

describe('§3.1 the fields of an entry', () => {
  test('of the example are all read', async () => {
    expect(await readEntry({})).toEqual({
      datapoint: {
        ...{ device: 'Sensor 1', deviceId: '5', block: 'LightSensor', index: 0 },
        ...{ name: 'nvoLuxLevel', xif: 'nvoLuxLevel' },
      },
      at: { ms: at, nanos: 0 },
      value: 412,
      localized: 412,
      health: 'normal',
    })
  })

  test.each<[string, object, object]>([
    ['[D] deviceId is a number', { deviceId: 5 }, { datapoint: { deviceId: '5' } }],
    [
      '[D] deviceId is segment.DID in older samples',
      { deviceId: 'Ab93fcpn.2' },
      { datapoint: { deviceId: 'Ab93fcpn.2' } },
    ],
    ['[C] name is the instance name', { name: 'Lux' }, { datapoint: { name: 'Lux', xif: 'nvoLuxLevel' } }],
    ['[C] name may be null: the XIF name', { name: null }, { datapoint: { name: 'nvoLuxLevel' } }],
    ['[C] dpQualifier may be null', { dpQualifier: null }, { datapoint: { block: 'LightSensor', index: 0 } }],
    ['[D] block names hold brackets and blanks', { blockName: 'Light [2] a' }, { datapoint: { block: 'Light [2] a' } }],
    ['[C] an enumeration is text', { value: 'HVAC_AUTO' }, { value: 'HVAC_AUTO' }],
    ['[C] a structure is flat', { value: { value: 50.0, state: 1 } }, { value: { value: 50, state: 1 } }],
    ['[C] or nested, with lists', { value: { point: [{ x: 1 }] } }, { value: { point: [{ x: 1 }] } }],
    ['[C] a value may be null', { value: null }, { value: null }],
    ['[?] or a truth value', { value: true }, { value: true }],
    ['[C] localizedValue stands beside the value', { localizedValue: '41 lx' }, { value: 412, localized: '41 lx' }],
    ['[D] deviceHealth tells the state at log time', { deviceHealth: 'down' }, { health: 'down' }],
    ['[C] tags may be an object of several', { tags: { log_level_1: '1', log_level_2: '2' } }, { value: 412 }],
    ['[C] or an array', { tags: ['log_level_1'] }, { value: 412 }],
    ['[C] 2.8 adds deviceState and presetValue', { deviceState: 'provisioned', presetValue: 'ON' }, { value: 412 }],
    ['[?] unknown members do no harm', { deviceHandle: 'x', localizedUnit: { a: [] } }, { value: 412 }],
  ])('%s', async (_, changes, expected) => {
    expect(await readEntry(changes)).toMatchObject(expected)
  })

  test.each([
    'id',
    'local',
    'tags',
    'dpQualifier',
    'deviceHealth',
    'localizedValue',
    'deviceId',
    'name',
  ])('[C] %s may be missing: it names nothing that is stored for good', async field => {
    expect(await readEntry({ [field]: undefined })).toMatchObject({
      datapoint: { device: 'Sensor 1', block: 'LightSensor', index: 0, name: 'nvoLuxLevel' },
      value: 412,
    })
  })

  test('[I] tags that pruning has taken away, and another id, change nothing of what is stored', async () => {
    expect(await readEntry({ tags: undefined, id: 1 })).toEqual(await readEntry({}))
  })
})

describe('§3.2 the forms of a time', () => {
  test.each<[string, string, number, number]>([
    ['[C] the log socket', '2022-04-11T08:00:00.000Z[UTC]', 0, 0],
    ['[D] with offset and zone', '2022-04-11T01:00:00.994-07:00[America/Los_Angeles]', 994, 0],
    ['[D] the older REST documents', '2022-04-11 08:00:00.045 UTC', 45, 0],
    ['[C] the vendor’s page', 'Mon, 11 Apr 2022 08:00:00 GMT', 0, 0],
    ['[I] no fraction', '2022-04-11T08:00:00Z[UTC]', 0, 0],
    ['[I] six digits', '2022-04-11T08:00:00.123456Z[UTC]', 123, 456_000],
    ['[I] nine digits', '2022-04-11T08:00:00.123456789Z[UTC]', 123, 456_789],
    ['[I] no seconds', '2022-04-11T08:00Z[UTC]', 0, 0],
    ['[C] UPD:DATAPOINT of 4.1', '2022-04-11T08:00:00.5Z', 500, 0],
  ])('%s: %s', async (_, utc, ms, nanos) => {
    expect((await readEntry({ utc })).at).toEqual({ ms: at + ms, nanos })
  })

  test('[D] a local time without offset is not taken for a moment: clocks that go back show it twice', async () => {
    const [frame = ''] = await received(JSON.stringify({ ...example, utc: '2022-10-30 02:30:00.000 Europe/Berlin' }))
    expect(decodeEntry(frame)).toMatchObject({ reason: 'bad-utc' })
  })
})

describe('§3.3 the releases', () => {
  const fields: Readonly<Record<ReleaseName, { always: string[]; never: string[] }>> = {
    '2.80': { always: ['deviceState', 'presetValue'], never: ['tags'] },
    '3.10': { always: [], never: ['deviceState', 'tags'] },
    '3.20.114': { always: [], never: ['deviceState', 'tags'] },
    '3.60': { always: ['tags'], never: ['deviceState'] },
    '4.10': { always: ['tags'], never: ['deviceState'] },
    '4.20': { always: ['tags'], never: ['deviceState'] },
    '4.30': { always: ['tags'], never: ['deviceState'] },
  }

  test.each(
    Object.entries(fields),
  )('[C] %s sends its own fields, and the same entries are read', async (release, its) => {
    const frames = await readSimulated(release as ReleaseName)
    for (const frame of frames) {
      const json = JSON.parse(frame) as object
      for (const field of its.always) expect(json).toHaveProperty(field)
      for (const field of its.never) expect(json).not.toHaveProperty(field)
    }
    const read = (texts: readonly string[]) => texts.map(text => JSON.stringify(decodeEntry(text)))
    expect(read(frames)).toEqual(read(await readSimulated('4.10')))
  })

  test('[C] a qualifier that is null, as in some builds of 3.1, is not needed', async () => {
    const frames = await readSimulated('3.10', {}, { nullQualifiers: 1 })
    for (const frame of frames) {
      expect(JSON.parse(frame)).toMatchObject({ dpQualifier: null })
      expect(isRejection(decodeEntry(frame))).toBe(false)
    }
  })
})

async function readSimulated(release: ReleaseName, faults = {}, oddities = {}): Promise<string[]> {
  const historyStart = range.after - 86_400_000
  const simulator = await startSimulator({ release, devices: 3, historyStart, faults, oddities })
  const { url, fingerprint256 } = simulator
  const tls = { kind: 'fingerprint', fingerprint256 } as const
  const login = { username: 'etl', password: 'secret' }
  const gateway = new Gateway({ name: 'g', url, ...login, tls, idleTimeout: 5_000, clock: systemClock })
  onTestFinished(async () => {
    await gateway.close()
    await simulator.close()
  })
  const frames = await readAll(gateway)
  expect(frames.length).toBeGreaterThan(100)
  return frames
}
