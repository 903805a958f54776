import { expect, test } from 'vitest'
import type { Selector } from '../../../src/domain/datapoint.ts'
import { KnownNames } from '../../../src/smartserver/known-names.ts'
import { dataLogPath } from '../../../src/smartserver/log-query.ts'

const lux: Selector = { device: { name: 'Sensor 1' }, block: 'Light', index: 0, point: { name: 'nvoLux' } }
const frame = (more: object) =>
  JSON.stringify({
    ...{ utc: '2026-01-01T00:00:00.000Z[UTC]', deviceId: 2, deviceName: 'Sensor 1', blockName: 'Light' },
    ...{ blockIndex: 0, datapointName: 'nvoLux', value: 1, ...more },
  })
const sent = (names: KnownNames, release: string) => {
  const range = { after: 0, until: 1000 }
  const path = dataLogPath({ gateway: 'g', selectors: [lux], range }, { release, form: names.formOf(lux) })
  return new URLSearchParams(path.slice(path.indexOf('?'))).get('dpName')
}

test('a datapoint is not filtered by its name before an entry has shown what kind of name that is', () => {
  const names = new KnownNames()
  names.look(lux, ['no entry', frame({ datapointName: 'nvoTemp', name: null }), frame({ deviceName: 'Sensor 2' })])
  expect(sent(names, '4.10')).toBeNull()
})

test('a datapoint with an instance name is filtered by that', () => {
  const names = new KnownNames()
  names.look(lux, [frame({ datapointName: 'nvoX', name: 'nvoLux' })])
  expect(sent(names, '4.10')).toBe('*+name==nvoLux')
})

test.each([null, '', undefined])('a datapoint whose instance name is %j is filtered by its XIF name', name => {
  const names = new KnownNames()
  names.look(lux, [frame({ name })])
  expect(sent(names, '4.10')).toBe('*+xifName==nvoLux')
  expect(sent(names, '3.10')).toBe('nvoLux')
  expect(sent(names, 'unheard of')).toBeNull()
})
