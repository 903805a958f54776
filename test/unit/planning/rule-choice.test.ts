import { expect, it } from 'vitest'
import { noCoverage } from '../../../src/domain/coverage.ts'
import { type Selector, selectorLabel } from '../../../src/domain/datapoint.ts'
import { RangeSet } from '../../../src/domain/range.ts'
import { type FormedRule, ruleForm } from '../../../src/domain/rule-form.ts'
import { type ChoiceParts, renewalsOf } from '../../../src/planning/rule-choice.ts'

const meter: Selector = { device: { name: 'Meter 3' } }
const power: Selector = { ...meter, block: 'EnergyMeter', index: 0, point: { name: 'nvoPower' } }
const form = ruleForm({ measurement: 'datalog', field: undefined, tags: {} })
const rule = (selector: Selector): FormedRule => ({ selector, form })
const coverage = {
  ...noCoverage,
  final: RangeSet.of({ after: 100, until: 900 }),
  provisional: RangeSet.of({ after: 900, until: 1000 }),
}

function renewed(recorded: Selector, selectors: Selector[], change: Partial<ChoiceParts>) {
  const parts: ChoiceParts = {
    choice: 'remap',
    rules: selectors.map(rule),
    coverageOf: () => coverage,
    reachOf: () => undefined,
    overwrites: true,
    ...change,
  }
  const changes = [{ recorded, selectors, series: [], from: form, to: form, differences: [] }]
  return renewalsOf(changes, parts).map(it => [selectorLabel(it.selector), it.since, it.rules !== undefined])
}

const label = selectorLabel(power)

it.each<[string, Selector, Selector[], Partial<ChoiceParts>, unknown]>([
  ['all of the past', power, [power], {}, [[label, undefined, true]]],
  ['what the gateway still has', power, [power], { reachOf: () => 500 }, [[label, 500, true]]],
  ['all where the gateway has all', power, [power], { reachOf: () => 50 }, [[label, undefined, true]]],
  ['a selector that is gone from the configuration', power, [meter], {}, [[label, undefined, false]]],
])('remap fetches again: %s', (_, recorded, selectors, change, expected) => {
  expect(renewed(recorded, selectors, change)).toEqual(expected)
})

it.each<[string, Selector, Selector[], Partial<ChoiceParts>, unknown]>([
  ['where the provisional end begins, which is fetched again anyway', power, [power], {}, [[label, 900, true]]],
  ['at the end, where no value can be replaced', power, [power], { overwrites: false }, [[label, 1000, true]]],
  [
    'also for the selector that takes its place',
    power,
    [meter],
    {},
    [
      [label, 900, false],
      ['Meter 3/*/*/*', 900, true],
    ],
  ],
  ['at once where nothing is covered', power, [power], { coverageOf: () => noCoverage }, [[label, undefined, true]]],
])('from-now begins: %s', (_, recorded, selectors, change, expected) => {
  expect(renewed(recorded, selectors, { choice: 'from-now', ...change })).toEqual(expected)
})
