import { expect, test } from 'vitest'
import { parseLogQuery } from '../../../src/simulator/query.ts'
import { releases } from '../../../src/simulator/releases.ts'
import { describe as datapoint } from '../../../src/simulator/site.ts'

const current = releases['4.10']
const device = { id: 5, name: 'Sensor 1', did: '4' }
const lux = datapoint(device, {
  ordinal: 0,
  block: 'LightSensor',
  index: 0,
  xif: 'nvoLuxLevel[1]',
  name: 'Lux',
  logInterval: 60,
})
const other = datapoint(
  { ...device, id: 6, name: 'Sensor 2' },
  { ordinal: 1, block: 'LightSensor', index: 1, xif: 'nvoX', name: null, logInterval: 60 },
)

function read(query: string, release = current, nameFallback = false) {
  const parsed = parseLogQuery(query, release, { nameFallback, rawQueries: false })
  if ('fault' in parsed) return parsed.fault
  return { after: parsed.after, until: parsed.until, lux: parsed.matches(lux), other: parsed.matches(other) }
}

test('the documented examples are understood', () => {
  const whole = 'value=%2A%2Butc%3E2022-04-11T07:00:00.000%26utc%3C%3D2022-04-12T07:00:00.000'
  const after = Date.parse('2022-04-11T07:00:00Z')
  const until = Date.parse('2022-04-12T07:00:00Z')
  expect(read(whole)).toEqual({ after, until, lux: true, other: true })
  const path =
    'dev=%2A%2Bname%3D%3DSensor%201&blockName=%2A%2BxifName%3D%3DLightSensor&blockIndex=0&dpName=%2A%2BxifName%3D%3DnvoLuxLevel%5B1%5D&'
  expect(read(path + whole)).toEqual({ after, until, lux: true, other: false })
})

test('one-sided ranges, * and a left-out value are open ranges', () => {
  const at = Date.parse('2022-04-11T07:00:00Z')
  const open = { lux: true, other: true, after: Number.NEGATIVE_INFINITY, until: Number.POSITIVE_INFINITY }
  expect(read('value=%2A%2Butc%3E2022-04-11T07:00:00.000')).toEqual({ ...open, after: at })
  expect(read('value=%2A%2Butc%3C%3D2022-04-11T07:00:00.000')).toEqual({ ...open, until: at })
  expect(read('dp=true&value=%2A')).toEqual(open)
  expect(read('dp=true')).toEqual(open)
})

test('the vendor pages leave = < and > raw, and that is understood', () => {
  const after = Date.parse('2022-04-11T07:00:00Z')
  expect(read('dev=%2A%2Bname==Sensor%201&value=%2A%2Butc>2022-04-11T07:00:00.000')).toMatchObject({
    after,
    lux: true,
    other: false,
  })
})

test.each([
  ['a raw + is a space', 'value=*+utc>2022-04-11T07:00:00.000'],
  [
    'a raw & inside value starts another parameter',
    'value=*%2Butc%3E2022-04-11T07:00:00.000&utc%3C%3D2022-04-12T07:00:00.000',
  ],
  ['a raw bracket', 'dpName=%2A%2BxifName%3D%3DnvoLuxLevel[1]'],
  ['a raw space', 'dev=%2A%2Bname%3D%3DSensor 1'],
  ['a time with Z', 'value=%2A%2Butc%3E2022-04-11T07:00:00.000Z'],
  ['a time without fraction', 'value=%2A%2Butc%3E2022-04-11T07:00:00'],
  ['a day that does not exist', 'value=%2A%2Butc%3E2022-02-30T07:00:00.000'],
  ['an inclusive start', 'value=%2A%2Butc%3E%3D2022-04-11T07:00:00.000'],
  ['a second bound without its &', 'value=%2A%2Butc%3E2022-04-11T07:00:00.000utc%3C%3D2022-04-12T07:00:00.000'],
  ['a trailing &', 'value=%2A%2Butc%3E2022-04-11T07:00:00.000%26'],
  ['a bare filter sign', 'value=%2A%2B'],
  ['a half escape', 'dev=%2'],
  ['bytes that are no UTF-8', 'dev=%FF%FE'],
  ['an unknown parameter', 'device=5'],
  ['a parameter twice', 'dev=5&dev=6'],
  ['a key without value', 'dev'],
  ['an empty name', 'dpName='],
  ['an index that is no number', 'blockIndex=first'],
  ['an empty parameter', 'dev=5&'],
])('%s is a fault, not an empty log', (_, query) => {
  expect(typeof read(query)).toBe('string')
})

test('a bare name means the XIF name before 3.20.114 and the instance name since', () => {
  expect(read('dpName=Lux')).toMatchObject({ lux: true })
  expect(read('dpName=nvoLuxLevel%5B1%5D')).toMatchObject({ lux: false })
  expect(read('dpName=Lux', releases['3.10'])).toMatchObject({ lux: false })
  expect(read('dpName=nvoLuxLevel%5B1%5D', releases['3.10'])).toMatchObject({ lux: true })
  expect(read('dpName=%2A%2Bname%3D%3DLux', releases['3.10'])).toMatchObject({ lux: true })
  expect(typeof read('dpName=%2A%2BxifName%3D%3DnvoX', releases['3.10'])).toBe('string')
})

test.each([
  'dpName=%2A%2Bname%3D%3DnvoX',
  'dpName=nvoX',
])('a datapoint without instance name matches no instance filter, unless the gateway is lenient: %s', query => {
  expect(read(query)).toMatchObject({ lux: false, other: false })
  expect(read(query, current, true)).toMatchObject({ lux: false, other: true })
  expect(read('dpName=%2A%2BxifName%3D%3DnvoX')).toMatchObject({ lux: false, other: true })
})

test('2.80 ignores the path and keeps the time range', () => {
  const after = Date.parse('2022-04-11T07:00:00Z')
  const query = 'dev=5&dpName=nothing&value=%2A%2Butc%3E2022-04-11T07:00:00.000'
  expect(read(query, releases['2.80'])).toMatchObject({ after, lux: true, other: true })
  expect(read(query)).toMatchObject({ after, lux: false, other: false })
})
