import { expect, it } from 'vitest'
import { differencesText, leavesPointsBehind, ruleDifferences, ruleForm } from '../../../src/domain/rule-form.ts'

const plain = { measurement: 'datalog', field: undefined, tags: {} }
const form = (settings: object = {}) => ruleForm({ ...plain, ...settings })

it.each([
  ['defaults that are written out', { scale: 1, offset: 0, field: 'value', localized: false, health: false }],
  ['the order of tags', { tags: { b: '2', a: '1' } }, { tags: { a: '1', b: '2' } }],
  ['the order of an enumeration', { enumeration: { OFF: 0, ON: 1 } }, { enumeration: { ON: 1, OFF: 0 } }],
  ['the order of what means no value', { invalid: [-1, 'none'] }, { invalid: ['none', -1] }],
  ['a type that refuses some entries', { type: 'number' }, { type: 'any' }],
] as [string, object, object?][])('%s makes no other points', (_, a, b = {}) => {
  expect(ruleDifferences(form(a), form(b))).toEqual([])
})

it.each([
  ['scale 1 → 0.1', { scale: 0.1 }, false],
  ['offset 0 → -40', { offset: -40 }, false],
  ['field value → power', { field: 'power' }, true],
  ['measurement datalog → meters', { measurement: 'meters' }, true],
  ['tag building – → North', { tags: { building: 'North' } }, true],
  ['invalid – → -1, none', { invalid: ['none', -1] }, false],
  ['enumeration ON – → 1', { enumeration: { ON: 1 } }, false],
  ['localized false → true', { localized: true }, false],
  ['health false → true', { health: true }, false],
  ['type as logged → text', { type: 'text' }, true],
])('%s makes other points, and is told so', (text, settings, isLeftBehind) => {
  expect(differencesText(ruleDifferences(form(), form(settings)))).toBe(text)
  expect(leavesPointsBehind(form(), form(settings))).toBe(isLeftBehind)
})
