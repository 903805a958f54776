import { expect, test } from 'vitest'
import { visible } from '../../../src/domain/visible.ts'

test.each([
  ['\u001b[31mred\u0007', '\\u001b[31mred\\u0007'],
  ['a\nb\r\n', 'a\\u000ab\\u000d\\u000a'],
  ['\u0000\u007f\u0085\u009b2J', '\\u0000\\u007f\\u0085\\u009b2J'],
  ['\u202eesrever\u2066\u200f\u061c', '\\u202eesrever\\u2066\\u200f\\u061c'],
  ['\u2028\u2029\ufeff', '\\u2028\\u2029\\ufeff'],
  ['lone \ud800 surrogate', 'lone \\ud800 surrogate'],
  ['Gebäude\tSüd 電力 👩‍👩‍👧 😀', 'Gebäude\tSüd 電力 👩‍👩‍👧 😀'],
])('%j is shown as %s', (text, shown) => {
  expect(visible(text)).toBe(shown)
})

test('JSON stays the same JSON', () => {
  const value = { 'na\u202eme': ['\u009b2J', '\u0001', '\n', '\ud800', '😀', '\\u001b'] }
  expect(JSON.parse(visible(JSON.stringify(value)))).toEqual(value)
})
