import { expect, it } from 'vitest'
import { type Selector, selectorLabel } from '../../../src/domain/datapoint.ts'
import { createSeries } from '../../../src/domain/point.ts'
import { differencesText, type FormedRule, ruleForm } from '../../../src/domain/rule-form.ts'
import { ruleChanges, rulesFor } from '../../../src/planning/rule-changes.ts'

const meter: Selector = { device: { name: 'Meter 3' } }
const power: Selector = { ...meter, block: 'EnergyMeter', index: 0, point: { name: 'nvoPower' } }
const energy: Selector = { ...meter, block: 'EnergyMeter', index: 0, point: { name: 'nvoEnergy' } }
const pump: Selector = { device: { name: 'Pump 7' }, block: 'Pump', index: 0, point: { name: 'nvoPower' } }
const byXif: Selector = { ...meter, block: 'EnergyMeter', index: 0, point: { xif: 'nvoWatt' } }
const byId = (as: string): Selector => ({ ...power, device: { id: '5', as } })

const rule = (selector: Selector, settings: object = {}): FormedRule => ({
  selector,
  form: ruleForm({ measurement: 'datalog', field: undefined, tags: {}, ...settings }),
})
const seriesOf = (device: string, block: string, datapoint: string) =>
  createSeries('datalog', { gateway: 'g', device, block, index: '0', datapoint })
const powerSeries = seriesOf('Meter 3', 'EnergyMeter', 'nvoPower')
const energySeries = seriesOf('Meter 3', 'EnergyMeter', 'nvoEnergy')

const recorded = (selector: Selector, before: readonly FormedRule[], ...series: ReturnType<typeof seriesOf>[]) => ({
  selector,
  rules: rulesFor(selector, before),
  series,
})

interface Case {
  readonly before: readonly FormedRule[]
  readonly today: readonly FormedRule[]
  readonly of: Selector
  readonly series?: ReturnType<typeof seriesOf>[]
}

const none: [string, Case][] = [
  ['the same rule', { before: [rule(power)], today: [rule(power)], of: power }],
  ['another datapoint is added', { before: [rule(power)], today: [rule(power), rule(pump, { scale: 2 })], of: power }],
  [
    'another datapoint of the block is added by its XIF name',
    { before: [rule(power)], today: [rule(power), rule(byXif, { scale: 2 })], of: power },
  ],
  ['the datapoint is removed', { before: [rule(power, { scale: 2 })], today: [rule(pump)], of: power }],
  ['no point was ever made', { before: [rule(power)], today: [rule(power, { scale: 2 })], of: power, series: [] }],
  [
    'a closer rule that makes the same points',
    { before: [rule(meter)], today: [rule(meter), rule(power, { scale: 1 })], of: meter },
  ],
  [
    'a closer rule for a datapoint that has no points',
    { before: [rule(meter)], today: [rule(meter), rule(energy, { scale: 2 })], of: meter },
  ],
  [
    'a device that goes by its id now, in the same series',
    { before: [rule(power)], today: [rule(byId('Meter 3'))], of: power },
  ],
  [
    'a wide rule that changed where a closer one decides',
    { before: [rule(meter), rule(power)], today: [rule(meter, { scale: 2 }), rule(power)], of: meter },
  ],
]

it.each(none)('no change: %s', (_, { before, today, of, series = [powerSeries] }) => {
  expect(ruleChanges(today, [recorded(of, before, ...series)])).toEqual([])
})

const changes: [string, Case, string, string[]][] = [
  [
    'its own rule',
    { before: [rule(power)], today: [rule(power, { scale: 0.1 })], of: power },
    'scale 1 → 0.1',
    [selectorLabel(power)],
  ],
  [
    'a datapoint that comes back with another rule',
    { before: [rule(power)], today: [rule(power, { field: 'watt' })], of: power },
    'field value → watt',
    [selectorLabel(power)],
  ],
  [
    'a closer rule is added',
    { before: [rule(meter)], today: [rule(meter), rule(power, { scale: 0.1 })], of: meter },
    'scale 1 → 0.1',
    [selectorLabel(meter), selectorLabel(power)],
  ],
  [
    'a closer rule is removed',
    { before: [rule(meter), rule(power, { scale: 0.1 })], today: [rule(meter)], of: meter },
    'scale 0.1 → 1',
    [selectorLabel(meter)],
  ],
  [
    'one device in place of its datapoints',
    { before: [rule(power, { scale: 0.1 })], today: [rule(meter)], of: power },
    'scale 0.1 → 1',
    [selectorLabel(meter)],
  ],
  [
    'a list of datapoints in place of their device',
    { before: [rule(meter)], today: [rule(power, { offset: 1 }), rule(energy)], of: meter },
    'offset 0 → 1',
    [selectorLabel(power)],
  ],
  [
    'a closer rule by an XIF name, which may be this datapoint',
    { before: [rule(meter)], today: [rule(meter), rule(byXif, { scale: 0.1 })], of: meter },
    'scale 1 → 0.1',
    [selectorLabel(meter), selectorLabel(byXif)],
  ],
  [
    'a device by id that gets another name in the database',
    { before: [rule(byId('Meter 3'))], today: [rule(byId('Main meter'))], of: byId('Meter 3') },
    'tag device Meter 3 → Main meter',
    ['Main meter/EnergyMeter/0/nvoPower'],
  ],
]

it.each(changes)('a change: %s', (_, { before, today, of, series = [powerSeries] }, text, barred) => {
  const found = ruleChanges(today, [recorded(of, before, ...series)])
  expect(found.map(it => differencesText(it.differences))).toEqual([text])
  expect(found[0]!.selectors.map(selectorLabel)).toEqual(barred)
  expect(found[0]!.series).toEqual([powerSeries])
})

it('two datapoints of one selector that changed alike are one change, and the others are left out', () => {
  const today = [rule(meter, { scale: 2 }), rule(energy)]
  const found = ruleChanges(today, [recorded(meter, [rule(meter)], powerSeries, energySeries)])
  expect(found.map(it => it.series)).toEqual([[powerSeries]])
})

it('what was recorded before rules were is no change', () => {
  expect(ruleChanges([rule(power)], [{ selector: power, rules: undefined, series: [powerSeries] }])).toEqual([])
})
