import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isRejection, type LogEntry } from '../../../src/domain/entry.ts'
import { decodeEntry } from '../../../src/smartserver/entry.ts'
import { runs } from '../../support/runs.ts'

/** The example of protocol §3.1. */
const sample = {
  id: 48211,
  local: '2022-04-11T01:00:00.000-07:00[America/Los_Angeles]',
  utc: '2022-04-11T08:00:00.000Z[UTC]',
  deviceId: 5,
  deviceName: 'Sensor 1',
  blockName: 'LightSensor',
  blockIndex: 0,
  datapointName: 'nvoLuxLevel',
  name: 'Lux hall',
  dpQualifier: '17q4bn7/lon/5/LightSensor/0/nvoLuxLevel',
  deviceHealth: 'normal',
  value: 412,
  localizedValue: 41.2,
  tags: { log_level_1: '1' },
}

function frameWith(change: Record<string, unknown>): string {
  return JSON.stringify({ ...sample, ...change })
}

function entryOf(frame: string): LogEntry {
  const entry = decodeEntry(frame)
  if (isRejection(entry)) throw new Error(`rejected: ${entry.reason}`)
  return entry
}

function reasonOf(frame: string): string | undefined {
  const entry = decodeEntry(frame)
  return isRejection(entry) ? entry.reason : undefined
}

describe('a frame of the data log', () => {
  it('is an entry with its datapoint, time and values', () => {
    expect(decodeEntry(JSON.stringify(sample))).toEqual({
      datapoint: {
        device: 'Sensor 1',
        deviceId: '5',
        block: 'LightSensor',
        index: 0,
        name: 'Lux hall',
        xif: 'nvoLuxLevel',
      },
      at: { ms: Date.UTC(2022, 3, 11, 8), nanos: 0 },
      value: 412,
      localized: 41.2,
      health: 'normal',
    })
  })

  it('may give its device id as number or text, and its index too', () => {
    expect(entryOf(frameWith({ deviceId: 'Ab93fcpn.2' })).datapoint.deviceId).toBe('Ab93fcpn.2')
    expect(entryOf(frameWith({ deviceId: '5' })).datapoint.deviceId).toBe('5')
    expect(entryOf(frameWith({ deviceId: undefined })).datapoint.deviceId).toBe('')
    expect(entryOf(frameWith({ blockIndex: '3' })).datapoint.index).toBe(3)
  })

  it('without an instance name goes by its XIF name', () => {
    for (const name of [null, undefined, ''])
      expect(entryOf(frameWith({ name })).datapoint).toMatchObject({ name: 'nvoLuxLevel', xif: 'nvoLuxLevel' })
  })

  it('may lack its qualifier: some builds send null', () => {
    for (const dpQualifier of [null, undefined, '', 7, 'not/a/qualifier'])
      expect(entryOf(frameWith({ dpQualifier })).datapoint).toEqual(entryOf(frameWith({})).datapoint)
  })

  it('may lack block, index or XIF name if its qualifier has them', () => {
    const bare = { blockName: undefined, blockIndex: undefined, datapointName: undefined }
    expect(entryOf(frameWith({ ...bare, dpQualifier: '17q4bn7/lon/2.1/Joystick/4/nvoValue' })).datapoint).toMatchObject(
      {
        block: 'Joystick',
        index: 4,
        xif: 'nvoValue',
        name: 'Lux hall',
      },
    )
    // which part holds the slash is not known
    expect(reasonOf(frameWith({ ...bare, dpQualifier: '17q4bn7/lon/2.1/Joy/stick/4/nvoValue' }))).toBe('no-datapoint')
  })

  it('may lack everything that only old or only new releases send', () => {
    const { utc, deviceName, blockName, blockIndex, datapointName, value } = sample
    const entry = entryOf(JSON.stringify({ utc, deviceName, blockName, blockIndex, datapointName, value }))
    expect(entry.value).toBe(412)
    expect(entry.localized).toBeUndefined()
    expect(entry.health).toBeUndefined()
    expect(
      decodeEntry(
        frameWith({ deviceState: 'provisioned', presetValue: null, tags: ['log_level_1'], future: { x: [1] } }),
      ),
    ).toEqual(decodeEntry(JSON.stringify(sample)))
  })

  it('takes the localized value by either name', () => {
    expect(entryOf(frameWith({ localizedValue: undefined, locValue: 'AN' })).localized).toBe('AN')
    expect(entryOf(frameWith({ localizedValue: '' })).localized).toBe('')
  })

  it.each([
    ['a number', 412],
    ['zero', 0],
    ['an enumeration', 'HVAC_AUTO'],
    ['an empty text', ''],
    ['true', true],
    ['false', false],
    ['null', null],
    ['a structure', { value: 50.0, state: 1 }],
    ['a nested structure', { point: [{ x: 1 }, { x: null }], on: false }],
  ])('may have %s for a value', (_, value) => {
    expect(entryOf(frameWith({ value })).value).toEqual(value)
  })

  it.each([
    ['NaN', Number.NaN],
    ['nan', Number.NaN],
    ['Infinity', Number.POSITIVE_INFINITY],
    ['-inf', Number.NEGATIVE_INFINITY],
    ['{"a":NaN,"b":"NaN \\" Infinity"}', { a: Number.NaN, b: 'NaN " Infinity' }],
  ])('may have the bare word %s in its value, though that is not JSON', (word, value) => {
    expect(entryOf(frameWith({ value: 0 }).replace('"value":0', `"value":${word}`)).value).toEqual(value)
  })

  it.each<[string, string, string]>([
    ['no JSON', 'not-json', '{"utc":'],
    ['nothing', 'not-json', ''],
    ['an array', 'not-an-entry', `[${JSON.stringify(sample)}]`],
    ['a text', 'not-an-entry', '"End"'],
    ['null', 'not-an-entry', 'null'],
    ['an error message', 'gateway-error', '{"error":"database is busy"}'],
    ['a time that is a number', 'no-utc', frameWith({ utc: 1649664000000 })],
    ['a time that cannot be read', 'bad-utc', frameWith({ utc: '2022-04-31T08:00:00.000Z[UTC]' })],
    ['no device', 'no-device', frameWith({ deviceName: null })],
    ['no datapoint', 'no-datapoint', frameWith({ datapointName: '', dpQualifier: null, name: null })],
    ['no index', 'no-datapoint', frameWith({ blockIndex: -1, dpQualifier: null })],
    ['half an index', 'no-datapoint', frameWith({ blockIndex: 0.5, dpQualifier: null })],
    ['no value', 'no-value', frameWith({ value: undefined })],
  ])('that is %s is rejected: %s', (_, reason, frame) => {
    expect(decodeEntry(frame)).toMatchObject({ reason })
  })

  it('is rejected with a sentence that does not repeat what it holds', () => {
    const rejected = decodeEntry(frameWith({ utc: 'password=hunter2' }))
    expect(JSON.stringify(rejected)).not.toContain('hunter2')
  })

  it('never makes the decoder throw, whatever it is', () => {
    const anyFrame = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.json(),
      fc
        .dictionary(fc.constantFrom(...Object.keys(sample), '__proto__', 'locValue'), fc.jsonValue())
        .map(change => JSON.stringify({ ...sample, ...change })),
      fc.tuple(fc.nat(400), fc.nat(10), fc.string({ maxLength: 5, unit: 'binary' })).map(([place, cut, put]) => {
        const frame = JSON.stringify(sample)
        return frame.slice(0, place) + put + frame.slice(place + cut)
      }),
    )
    fc.assert(
      fc.property(anyFrame, frame => {
        const entry = decodeEntry(frame)
        if (isRejection(entry)) {
          expect(entry.reason).toMatch(/^[a-z-]+$/)
          return
        }
        const { device, deviceId, block, index, name, xif } = entry.datapoint
        for (const text of [device, block, name, xif]) expect(text).not.toBe('')
        expect(typeof deviceId).toBe('string')
        expect(Number.isInteger(index) && index >= 0).toBe(true)
        expect(Number.isSafeInteger(entry.at.ms)).toBe(true)
        expect(entry.value).not.toBeUndefined()
      }),
      { numRuns: runs(3_000) },
    )
    for (const deep of ['['.repeat(500_000), `{"value":${'['.repeat(200_000)}${']'.repeat(200_000)}}`])
      expect(isRejection(decodeEntry(deep))).toBe(true)
  })
})

describe('numbers that no float holds', () => {
  const exactOf = (value: string) => entryOf(JSON.stringify(sample).replace('412', value)).exact

  it.each([
    ['9007199254740993', '9007199254740993'],
    ['-9007199254740993', '-9007199254740993'],
    ['18446744073709551615', '18446744073709551615'],
    ['9007199254740993.5', '9007199254740993.5'],
    ['9.007199254740993E15', '9.007199254740993E15'],
    ['{"low":1,"high":[9007199254740993]}', { low: 1, high: ['9007199254740993'] }],
  ])('%s keeps its digits', (text, exact) => {
    expect(exactOf(text)).toEqual(exact)
  })

  it.each([
    '9007199254740991',
    '9007199254740992',
    '9007199254740994',
    '1E23',
    '1e300',
    '0.1000000000000000055',
    '0.30000000000000004',
    '1.2345678901234568e+20',
    '"9007199254740993"',
  ])('%s is what a float holds, or no number', text => {
    expect(exactOf(text)).toBeUndefined()
  })
})
