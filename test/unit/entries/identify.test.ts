import { expect, test } from 'vitest'
import type { LogEntry } from '../../../src/domain/entry.ts'
import { createIdentify } from '../../../src/entries/identify.ts'

const entry = (deviceId: string): LogEntry => ({
  datapoint: { device: 'Meter', deviceId, block: 'b', index: 0, name: 'p', xif: 'p' },
  ...{ at: { ms: 1, nanos: 0 }, value: 1, localized: undefined, health: undefined },
})
const idOf = (shown: string) => ({ '17q.5': '7' })[shown]
const byId = createIdentify({ selectors: [{ device: { id: '7', as: 'Meter' } }] }, idOf)

test.each<[string, string, object]>([
  ['the configured id', '7', { datapoint: { deviceId: '7' } }],
  ['a form that the device list explains', '17q.5', { datapoint: { deviceId: '7' } }],
  ['the id of another device', '8', { datapoint: { deviceId: '8' } }],
  ['a form that nothing explains', '17q.6', { reason: 'unknown-device-id' }],
  ['no id at all', '', { reason: 'unknown-device-id' }],
])('an entry that names its device by %s', (_, shown, expected) => {
  expect(byId(entry(shown))).toMatchObject(expected)
})

test('where devices are configured by name their ids do not matter', () => {
  const byName = createIdentify({ selectors: [{ device: { name: 'Meter' } }] }, idOf)
  const it = entry('17q.6')
  expect(byName(it)).toBe(it)
})
