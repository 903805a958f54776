import { expect, test } from 'vitest'
import { createDeviceIdOf, createDeviceIds } from '../../../src/inventory/device-ids.ts'

const device = (id: string, did: string | undefined) => ({
  ...{ id, did, name: `Device ${id}`, type: 'Sensor', state: undefined, health: undefined },
})
const idOf = createDeviceIds([device('5', '2'), device('6', '17q4bn7.3'), device('7', '9'), device('8', '9')])

test.each<[string, string, string | undefined]>([
  ['its id', '5', '5'],
  ['segment and DID', '17q4bn7.2', '5'],
  ['segment and DID, as the list has it', '17q4bn7.3', '6'],
  ['a DID that two devices have', '17q4bn7.9', undefined],
  ['the DID alone, which may be the id of another device', '2', undefined],
  ['nothing', '', undefined],
])('a device is found by %s', (_, shown, id) => {
  expect(idOf(shown)).toBe(id)
})

test('a name is the name of a device only if no other has it', () => {
  const named = (id: string, name: string) => ({ ...device(id, undefined), name })
  const idOfName = createDeviceIdOf([named('1', 'Hall & Lobby'), named('2', 'Twin'), named('3', 'Twin')])
  expect(['Hall & Lobby', 'Twin', 'Nobody', '1'].map(idOfName)).toEqual(['1', undefined, undefined, undefined])
})
