import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type DatapointName,
  type Selector,
  selectorContains,
  selectorKey,
  selectorLabel,
  selectorMatches,
  selectorPrecision,
} from '../../../src/domain/datapoint.ts'
import { runs } from '../../support/runs.ts'

/** Few names, so that chance finds equal ones; signs of the key among them. */
const anyWord = fc.constantFrom('a', 'b', '*', '#a', 'a/b', '%2A', '%', '0', '', 'ä b')
const anyId = fc.constantFrom('5', 'Ab93fcpn.2', 'a', '*')
const anyName: fc.Arbitrary<DatapointName> = fc.record({
  device: anyWord,
  deviceId: anyId,
  block: anyWord,
  index: fc.nat(2),
  name: anyWord,
  xif: anyWord,
})
const anySelector: fc.Arbitrary<Selector> = fc.record(
  {
    device: fc.oneof(fc.record({ name: anyWord }), fc.record({ id: anyId, as: anyWord })),
    block: anyWord,
    index: fc.nat(2),
    point: fc.oneof(fc.record({ name: anyWord }), fc.record({ xif: anyWord })),
  },
  { requiredKeys: [] },
)

/** What a selector asks for, without the name that a device chosen by id shall have. */
function asked({ device, block, index, point }: Selector): string {
  return JSON.stringify([device && ('id' in device ? { id: device.id } : device), block, index, point])
}

const lux: DatapointName = {
  device: 'Sensor 1',
  deviceId: '5',
  block: 'LightSensor',
  index: 0,
  name: 'Lux hall',
  xif: 'nvoLux',
}

describe('a selector', () => {
  it.each<[Selector, boolean]>([
    [{}, true],
    [{ device: { name: 'Sensor 1' }, block: 'LightSensor', index: 0, point: { name: 'Lux hall' } }, true],
    [{ device: { id: '5', as: 'Hall' }, point: { xif: 'nvoLux' } }, true],
    [{ device: { name: '5' } }, false],
    [{ device: { id: 'Sensor 1', as: 'x' } }, false],
    [{ block: 'lightsensor' }, false],
    [{ index: 1 }, false],
    [{ point: { name: 'nvoLux' } }, false],
    [{ point: { xif: 'Lux hall' } }, false],
  ])('%j matches Sensor 1/LightSensor/0: %s', (selector, matches) => {
    expect(selectorMatches(selector, lux)).toBe(matches)
  })

  it('has its own key: two share one only if they ask for the same', () => {
    fc.assert(
      fc.property(anySelector, anySelector, (a, b) => {
        expect(selectorKey(a) === selectorKey(b)).toBe(asked(a) === asked(b))
      }),
      { numRuns: runs(5_000) },
    )
  })

  it('that contains another matches whatever the other matches', () => {
    fc.assert(
      fc.property(anySelector, anySelector, anyName, (outer, inner, named) => {
        if (selectorContains(outer, inner) && selectorMatches(inner, named))
          expect(selectorMatches(outer, named)).toBe(true)
      }),
      { numRuns: runs(5_000) },
    )
  })

  it('with a part left out contains the one it was made from, and everything contains itself', () => {
    fc.assert(
      fc.property(anySelector, fc.constantFrom('device', 'block', 'index', 'point'), (inner, part) => {
        const outer = Object.fromEntries(Object.entries(inner).filter(([key]) => key !== part)) as Selector
        expect(selectorContains(inner, inner)).toBe(true)
        expect(selectorContains(outer, inner)).toBe(true)
        expect(selectorContains({}, inner)).toBe(true)
        // what names less cannot be contained by what names more
        expect(selectorContains(inner, outer)).toBe(!(part in inner))
        expect(selectorPrecision(inner) - selectorPrecision(outer)).toBe(part in inner ? 1 : 0)
      }),
    )
  })

  it('keeps a device chosen by id apart from one chosen by name', () => {
    expect(selectorContains({ device: { name: '5' } }, { device: { id: '5', as: 'Hall' } })).toBe(false)
    expect(selectorKey({ device: { name: '5' } })).not.toBe(selectorKey({ device: { id: '5', as: '5' } }))
  })

  it('is read by people as a path', () => {
    expect(selectorLabel({})).toBe('*/*/*/*')
    expect(
      selectorLabel({ device: { id: '5', as: 'Hall' }, block: 'Lamp', index: 0, point: { xif: 'nvoValue' } }),
    ).toBe('Hall/Lamp/0/nvoValue')
    expect(selectorLabel({ device: { name: 'Sensor 1' }, point: { name: 'Lux' } })).toBe('Sensor 1/*/*/Lux')
  })
})
