import { expect, it } from 'vitest'
import type { Selector } from '../../../src/domain/datapoint.ts'
import { createDeviceMeanings, findMovedIds } from '../../../src/inventory/device-meanings.ts'
import type { Device } from '../../../src/smartserver/discovery.ts'

const selector: Selector = { device: { id: '2', as: 'Roof' }, block: 'B', index: 0, point: { xif: 'nvoLux' } }
const device = (id: string, name: string, uid?: string): Device => ({
  id,
  name,
  uid,
  did: undefined,
  type: undefined,
  state: undefined,
  health: undefined,
})

/** What is found in a second list after a first one. */
function after(first: readonly Device[], second: readonly Device[]) {
  const meanings = createDeviceMeanings()
  expect(findMovedIds([selector], first, meanings)).toEqual([])
  const found = findMovedIds([selector], second, meanings)
  return { found: found.map(({ code, suggestion }) => [code, suggestion]), meaning: meanings.of('2') }
}

it.each<[string, readonly Device[], readonly Device[], string | undefined]>([
  ['was renamed, by its hardware', [device('2', 'a', 'x')], [device('2', 'b', 'x'), device('3', 'a', 'y')], undefined],
  ['got new hardware under its name', [device('2', 'a', 'x')], [device('2', 'a', 'y')], undefined],
  ['was renamed, where no hardware is told', [device('2', 'a')], [device('2', 'b')], undefined],
  ['has another id', [device('2', 'a', 'x')], [device('2', 'b', 'y'), device('5', 'a', 'x')], '{ id: 5, as: Roof }'],
  [
    'has another id, where no hardware is told',
    [device('2', 'a')],
    [device('2', 'b'), device('5', 'a')],
    '{ id: 5, as: Roof }',
  ],
  [
    'has another id and name',
    [device('2', 'a', 'x')],
    [device('2', 'b', 'y'), device('5', 'c', 'x')],
    '{ id: 5, as: Roof }',
  ],
])('a device that %s', (_, first, second, moved) => {
  const { found, meaning } = after(first, second)
  expect(found).toEqual(moved === undefined ? [] : [['id-moved', moved]])
  // what an id means is not forgotten before its device is back, or the configuration is mended
  expect(meaning?.name).toBe(moved === undefined ? second[0]!.name : 'a')
})

it('a device that is gone, with its id given to another one, is not asked for', () => {
  expect(after([device('2', 'a', 'x')], [device('2', 'b', 'y')]).found).toEqual([['id-moved', undefined]])
})

it('what an id meant outlives the process', () => {
  const kept = new Map<string, { name: string; uid: string | undefined }>()
  const store = {
    of: (id: string) => kept.get(id),
    note: (id: string, it: { name: string; uid: string | undefined }) => void kept.set(id, it),
  }
  findMovedIds([selector], [device('2', 'a', 'x')], createDeviceMeanings(store))
  const found = findMovedIds([selector], [device('2', 'b', 'y')], createDeviceMeanings(store))
  expect(found.map(({ message }) => message)).toEqual(['id 2 was the device "a", and is "b" now'])
})
