import { describe, expect, it } from 'vitest'
import type { DatapointConfig } from '../../../src/config/datapoint.ts'
import type { DatapointName } from '../../../src/domain/datapoint.ts'
import type { LogEntry, LoggedValue, Rejection, ValueType } from '../../../src/domain/entry.ts'
import type { Point } from '../../../src/domain/point.ts'
import { compileMapping } from '../../../src/points/mapping.ts'
import type { TypePins } from '../../../src/points/value-type.ts'

const lux: DatapointName = {
  device: 'Sensor 1',
  deviceId: '5',
  block: 'LightSensor',
  index: 0,
  name: 'Lux',
  xif: 'nvoLux',
}

function entry(
  value: LoggedValue,
  datapoint: Partial<DatapointName> = {},
  more: Partial<Pick<LogEntry, 'localized' | 'health'>> = {},
): LogEntry {
  return {
    datapoint: { ...lux, ...datapoint },
    at: { ms: 1_650_000_000_123, nanos: 456_789 },
    value,
    localized: undefined,
    health: undefined,
    ...more,
  }
}

function rule(change: Partial<DatapointConfig> = {}): DatapointConfig {
  return { selector: {}, measurement: 'datalog', field: undefined, tags: {}, ...change }
}

function pointOf(result: Point | Rejection | undefined): Point {
  if (result === undefined || 'reason' in result) throw new Error(`no point: ${JSON.stringify(result)}`)
  return result
}

function fieldsOf(value: LoggedValue, change: Partial<DatapointConfig> = {}): unknown {
  const result = compileMapping('plant-a', [rule(change)]).map(entry(value))
  return result === undefined ? undefined : 'reason' in result ? result.reason : result.fields
}

describe('the series of an entry', () => {
  it('is named by gateway, device, block, index and datapoint, sorted by key', () => {
    const { series } = pointOf(compileMapping('plant-a', []).map(entry(1)))
    expect(series.measurement).toBe('datalog')
    expect([...series.tags]).toEqual([
      ['block', 'LightSensor'],
      ['datapoint', 'Lux'],
      ['device', 'Sensor 1'],
      ['gateway', 'plant-a'],
      ['index', '0'],
    ])
  })

  it('has the configured name of a device that is chosen by id, and the configured tags', () => {
    const mapping = compileMapping('plant-a', [
      rule({ selector: { device: { id: '5', as: 'Hall' } }, measurement: 'light', tags: { floor: '2' } }),
    ])
    const { series } = pointOf(mapping.map(entry(1)))
    expect(series.measurement).toBe('light')
    expect(series.tags.get('device')).toBe('Hall')
    expect(series.tags.get('floor')).toBe('2')
  })

  it('is the same object for every entry of a datapoint, also after the device was replaced', () => {
    const mapping = compileMapping('plant-a', [])
    const first = pointOf(mapping.map(entry(1))).series
    expect(pointOf(mapping.map(entry('x'))).series).toBe(first)
    expect(pointOf(mapping.map(entry(1, { deviceId: '77' }))).series).toBe(first)
    expect(pointOf(mapping.map(entry(1, { index: 1 }))).series).not.toBe(first)
    expect(mapping.seriesOf(lux)).toBe(first)
  })

  it('keeps the time with all its digits', () => {
    expect(pointOf(compileMapping('plant-a', []).map(entry(1))).at).toEqual({ ms: 1_650_000_000_123, nanos: 456_789 })
  })
})

describe('of several rules', () => {
  it('the closest wins, whatever the order', () => {
    const far = rule({ selector: { device: { name: 'Sensor 1' } }, measurement: 'far' })
    const close = rule({ selector: { device: { name: 'Sensor 1' }, point: { name: 'Lux' } }, measurement: 'close' })
    for (const rules of [
      [far, close],
      [close, far],
    ])
      expect(pointOf(compileMapping('plant-a', rules).map(entry(1))).series.measurement).toBe('close')
  })

  it('the first wins among equally close ones', () => {
    const rules = [
      rule({ selector: { block: 'LightSensor' }, measurement: 'first' }),
      rule({ selector: { index: 0 }, measurement: 'second' }),
    ]
    expect(pointOf(compileMapping('plant-a', rules).map(entry(1))).series.measurement).toBe('first')
  })

  it('one that names the XIF name matches a datapoint with another instance name', () => {
    const rules = [rule({ selector: { point: { xif: 'nvoLux' } }, measurement: 'by-xif' })]
    expect(pointOf(compileMapping('plant-a', rules).map(entry(1))).series.measurement).toBe('by-xif')
    expect(pointOf(compileMapping('plant-a', rules).map(entry(1, { xif: 'other' }))).series.measurement).toBe('datalog')
  })
})

describe('the fields of a value', () => {
  it.each<[string, LoggedValue, unknown]>([
    ['a number', 21.5, { value: 21.5 }],
    ['true as 1', true, { value: 1 }],
    ['false as 0', false, { value: 0 }],
    ['a text', 'HVAC_AUTO', { text: 'HVAC_AUTO' }],
    ['an empty text', '', { text: '' }],
    ['nothing for null', null, undefined],
    ['a structure', { value: 50, state: 1 }, { value: 50, state: 1 }],
    ['members of every kind', { on: true, mode: 'AUTO', gone: null, t: 1 }, { on: 1, mode_text: 'AUTO', t: 1 }],
    ['nested structures', { a: { b: { c: 1 } } }, { a_b_c: 1 }],
    ['array elements by position', { point: [7, { x: 8 }] }, { point_0: 7, point_1_x: 8 }],
    ['an array alone', [1, 'b'], { value_0: 1, value_1_text: 'b' }],
    ['nothing for a structure of nulls', { a: null, b: [null] }, undefined],
    ['a member called time', { time: 3, reason: 4 }, { value_time: 3, reason: 4 }],
    [
      'members called like tags',
      { gateway: 1, index: 2, block: { x: 3 } },
      { value_gateway: 1, value_index: 2, block_x: 3 },
    ],
    ['a member that begins with _', { _x: 3 }, { value_x: 3 }],
  ])('are %s', (_, value, fields) => {
    expect(fieldsOf(value)).toEqual(fields)
  })

  it('keep a member called __proto__', () => {
    expect(fieldsOf(JSON.parse('{"__proto__": 5}'))).toEqual({ value__proto__: 5 })
  })

  it('take the configured name', () => {
    expect(fieldsOf(3, { field: 'kw' })).toEqual({ kw: 3 })
    expect(fieldsOf('AUTO', { field: 'kw' })).toEqual({ kw_text: 'AUTO' })
    expect(fieldsOf({ a: 1, b: 'x', c: [2] }, { field: 'kw' })).toEqual({ kw_a: 1, kw_b_text: 'x', kw_c_0: 2 })
    expect(fieldsOf([1], { field: 'kw' })).toEqual({ kw_0: 1 })
    expect(fieldsOf({ time: 1 }, { field: 'kw' })).toEqual({ kw_time: 1 })
  })

  it('never take the name of a tag that any rule gives to their measurement', () => {
    const rules = [
      rule({ tags: { kw_floor: '2', mode_text: 'x' }, field: 'kw', selector: { device: { name: 'Sensor 1' } } }),
      rule({ tags: { site: 'a' }, selector: { device: { name: 'other' } } }),
      rule({ tags: { apart: 'a' }, measurement: 'elsewhere', selector: { device: { name: 'third' } } }),
    ]
    const { map } = compileMapping('plant-a', rules)
    expect(pointOf(map(entry({ floor: 1, site: 2, apart: 3 }))).fields).toEqual({
      value_kw_floor: 1,
      kw_site: 2,
      kw_apart: 3,
    })
    expect(pointOf(map(entry({ site: 1, mode: 'on', apart: 3 }, { device: 'other' }))).fields).toEqual({
      value_site: 1,
      value_mode_text: 'on',
      apart: 3,
    })
  })

  it.each<[string, LoggedValue, string]>([
    ['a number beyond a float', JSON.parse('1e999'), 'not-finite'],
    ['such a number in a structure', { a: JSON.parse('-1e999') }, 'not-finite'],
    ['a member without a name', { '': 1 }, 'empty-name'],
    ['two members of one name', { a: { b: 1 }, a_b: 2 }, 'ambiguous-field'],
    ['a text with half a character', '\ud800', 'not-unicode'],
    ['a member name with half a character', { '\ud800': 1 }, 'not-unicode'],
    ['nine levels', { a: { a: { a: { a: { a: { a: { a: { a: { a: 1 } } } } } } } } }, 'too-deep'],
    ['300 members', Array.from({ length: 300 }, (_, i) => i), 'too-wide'],
  ])('are refused for %s', (_, value, reason) => {
    expect(fieldsOf(value)).toBe(reason)
  })

  it('are refused with a sentence that does not hold the value', () => {
    const result = compileMapping('plant-a', []).map(entry({ a: { b: 1 }, a_b: 2 }))
    expect(result).toEqual({
      reason: 'ambiguous-field',
      detail: 'Two members of the structure give the field a_b.',
    })
  })
})

describe('a rule', () => {
  it.each<[string, Partial<DatapointConfig>]>([
    ['takes the place of a tag of the datapoint', { tags: { device: 'x' } }],
    ['has an empty tag', { tags: { floor: '' } }],
    ['has a tag InfluxDB keeps for itself', { tags: { time: 'x' } }],
    ['has no measurement', { measurement: '' }],
    ['has an empty field', { field: '' }],
    ['has a scale of 0', { scale: 0 }],
    ['has an endless number', { enumeration: { ON: Number.POSITIVE_INFINITY } }],
    ['has a field InfluxDB keeps for itself', { field: 'time' }],
  ])('that %s does not compile', (_, change) => {
    expect(() => compileMapping('plant-a', [rule(change)])).toThrow(RangeError)
  })
})

describe('a rule that changes values', () => {
  it('scales and shifts plain numbers', () => {
    const change = { scale: 0.5, offset: -10 }
    expect(fieldsOf(30, change)).toEqual({ value: 5 })
    expect(fieldsOf(true, change)).toEqual({ value: 1 })
    expect(fieldsOf({ a: 30 }, change)).toEqual({ a: 30 })
    expect(fieldsOf(1e308, { scale: 10 })).toBe('not-finite')
  })

  it('takes a configured number for no value, alone and in a structure', () => {
    const change = { invalid: [327.67, -1], scale: 2 }
    expect(fieldsOf(327.67, change)).toBeUndefined()
    expect(fieldsOf(327.66, change)).toEqual({ value: 655.32 })
    expect(fieldsOf({ a: -1, b: [1, 327.67] }, change)).toEqual({ b_0: 1 })
  })

  it('takes a configured text, NaN and infinities for no value, bare and as texts', () => {
    const change = { invalid: ['unavailable', '', Number.NaN, '-Infinity'] }
    for (const none of ['unavailable', '', Number.NaN, 'NaN', Number.NEGATIVE_INFINITY, '-Infinity', { a: 'NaN' }])
      expect(fieldsOf(none, change)).toBeUndefined()
    expect(fieldsOf('available', change)).toEqual({ text: 'available' })
    expect(fieldsOf(Number.POSITIVE_INFINITY, change)).toBe('not-finite')
  })

  it('nested far too deep is rejected, whatever the rule changes', () => {
    const levels = 100_000
    const deep = JSON.parse(`${'['.repeat(levels)}0${']'.repeat(levels)}`) as LoggedValue
    for (const change of [{}, { invalid: [327.67] }, { invalid: [327.67], scale: 2 }])
      expect(fieldsOf(deep, change)).toBe('too-deep')
  })

  it('writes a number beside the text of an enumeration', () => {
    const change = { enumeration: { OFF: 0, ON: 1 } }
    expect(fieldsOf('ON', change)).toEqual({ text: 'ON', value: 1 })
    expect(fieldsOf('ON', { ...change, field: 'lamp' })).toEqual({ lamp_text: 'ON', lamp: 1 })
    expect(fieldsOf('BROKEN', change)).toEqual({ text: 'BROKEN' })
    expect(fieldsOf('toString', change)).toEqual({ text: 'toString' })
  })

  it('takes the localized value, and refuses an entry without one', () => {
    const mapping = compileMapping('plant-a', [rule({ localized: true, invalid: [327.67] })])
    const map = (value: LoggedValue, localized: LoggedValue | undefined) => mapping.map(entry(value, {}, { localized }))
    expect(map(20, 68)).toMatchObject({ fields: { value: 68 } })
    expect(map(null, 68)).toBeUndefined()
    expect(map(327.67, 621.8)).toBeUndefined()
    for (const none of [undefined, null, '']) expect(map(20, none)).toMatchObject({ reason: 'not-localized' })
  })

  it('writes the health of the device only where it is not normal, also without a value', () => {
    const mapping = compileMapping('plant-a', [rule({ health: true })])
    const map = (value: LoggedValue, health: string | undefined) => mapping.map(entry(value, {}, { health }))
    expect(map(1, 'normal')).toMatchObject({ fields: { value: 1 } })
    expect(pointOf(map(1, 'normal')).fields).not.toHaveProperty('health')
    expect(pointOf(map(1, 'down')).fields).toEqual({ value: 1, health: 'down' })
    expect(pointOf(map(null, 'down')).fields).toEqual({ health: 'down' })
    expect(map(null, 'normal')).toBeUndefined()
    expect(map(null, undefined)).toBeUndefined()
    expect(map({ health: 1 }, 'down')).toMatchObject({ reason: 'ambiguous-field' })
  })
})

describe('the kind of value of a datapoint', () => {
  function memory(): TypePins & { readonly known: Map<string, ValueType> } {
    const known = new Map<string, ValueType>()
    return { known, get: key => known.get(key), set: (key, kind) => void known.set(key, kind), keep() {} }
  }

  it('is the first one seen, from run to run', () => {
    const pins = memory()
    const first = compileMapping('plant-a', [], pins)
    expect(first.map(entry(null))).toBeUndefined()
    expect(pins.known.size).toBe(0)
    expect(first.map(entry(1))).toMatchObject({ fields: { value: 1 } })
    expect(first.map(entry('x'))).toMatchObject({ reason: 'type-changed' })
    const second = compileMapping('plant-a', [], pins)
    expect(second.map(entry({ a: 1 }))).toMatchObject({ reason: 'type-changed' })
    expect(second.map(entry(true))).toMatchObject({ fields: { value: 1 } })
    expect(second.map(entry(null))).toBeUndefined()
  })

  it('is one for each datapoint', () => {
    const mapping = compileMapping('plant-a', [], memory())
    expect(mapping.map(entry(1))).toMatchObject({ fields: { value: 1 } })
    expect(mapping.map(entry('x', { name: 'Mode' }))).toMatchObject({ fields: { text: 'x' } })
  })

  it('can be configured, so that the first one does not decide', () => {
    const pins = memory()
    const mapping = compileMapping('plant-a', [rule({ type: 'number' })], pins)
    expect(mapping.map(entry('starting up'))).toMatchObject({ reason: 'type-changed' })
    expect(mapping.map(entry(1))).toMatchObject({ fields: { value: 1 } })
  })

  it('does not matter where any is welcome', () => {
    const pins = memory()
    const mapping = compileMapping('plant-a', [rule({ type: 'any' })], pins)
    for (const value of [1, 'x', { a: 1 }]) expect(mapping.map(entry(value))).toHaveProperty('fields')
    expect(pins.known.size).toBe(0)
  })

  it('does not matter where it is not remembered', () => {
    const mapping = compileMapping('plant-a', [])
    expect(mapping.map(entry(1))).toMatchObject({ fields: { value: 1 } })
    expect(mapping.map(entry('x'))).toMatchObject({ fields: { text: 'x' } })
  })
})

it('takes 50,000 datapoints of a gateway, and says once that it takes no more', () => {
  const warnings: string[] = []
  const mapping = compileMapping('plant-a', [], undefined, message => warnings.push(message))
  const map = (i: number) => mapping.map(entry(1, { device: `Stranger ${i}` }))
  for (let i = 0; i < 50_000; i++) expect(map(i)).toHaveProperty('fields')
  expect(warnings).toEqual([])
  for (let i = 50_000; i < 50_010; i++) expect(map(i)).toMatchObject({ reason: 'too-many-datapoints' })
  expect(map(7)).toHaveProperty('fields')
  expect(warnings).toHaveLength(1)
})

describe('what a person should know of a value', () => {
  const exact = '9007199254740993'
  const counter = { ...entry(9_007_199_254_740_992), exact }

  it('a number that no float holds is remarked, and its digits are kept as a text where that is configured', () => {
    const mapping = compileMapping('g', [rule()])
    expect(pointOf(mapping.map(counter))).toMatchObject({
      fields: { value: 9_007_199_254_740_992 },
      remark: { kind: 'rounded', text: exact },
    })
    const texts = compileMapping('g', [rule({ type: 'text' })])
    expect(pointOf(texts.map(counter))).toMatchObject({ fields: { text: exact } })
    expect(pointOf(texts.map(counter)).remark).toBeUndefined()
    expect(pointOf(texts.map(entry(21.5))).fields).toEqual({ text: '21.5' })
  })

  it('is not written where texts are off; of an enumeration its number is', () => {
    const mapping = compileMapping('g', [rule({ text: 'off', enumeration: { ON: 1 } })])
    expect(pointOf(mapping.map(entry('ON'))).fields).toEqual({ value: 1 })
    expect(mapping.map(entry('OFF'))).toBeUndefined()
    expect(pointOf(mapping.map(entry(21.5))).fields).toEqual({ value: 21.5 })
    expect(pointOf(mapping.map(entry({ state: 'ON', level: 3 }))).fields).toEqual({ level: 3 })
  })

  it('a text that the enumeration of the rule does not have is remarked', () => {
    const mapping = compileMapping('g', [rule({ enumeration: { ON: 1 } })])
    expect(pointOf(mapping.map(entry('OFF')))).toMatchObject({ fields: { text: 'OFF' }, remark: { kind: 'unmapped' } })
    expect(pointOf(mapping.map(entry('ON'))).remark).toBeUndefined()
    expect(pointOf(compileMapping('g', [rule()]).map(entry('OFF'))).remark).toBeUndefined()
  })
})
