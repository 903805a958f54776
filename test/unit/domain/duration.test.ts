import fc from 'fast-check'
import { expect, test } from 'vitest'
import { durationText, parseDuration } from '../../../src/domain/duration.ts'

test('any duration survives being written and read', () => {
  const ms = fc.oneof(
    fc.nat(10_000),
    fc.nat(Number.MAX_SAFE_INTEGER),
    fc.nat(100_000).map(n => n * 60_000),
  )
  fc.assert(fc.property(ms, value => parseDuration(durationText(value)) === value))
})

test('any text of parts in falling units is their sum', () => {
  const units = [
    ['w', 604_800_000],
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1000],
    ['ms', 1],
  ] as const
  fc.assert(
    fc.property(
      fc.subarray([...units], { minLength: 1 }),
      fc.array(fc.nat(9999), { minLength: 6, maxLength: 6 }),
      (parts, counts) => {
        const text = parts.map(([unit], i) => `${counts[i]}${unit}`).join('')
        expect(parseDuration(text)).toBe(parts.reduce((sum, [, ms], i) => sum + counts[i]! * ms, 0))
      },
    ),
  )
})

test.for([
  '',
  '5',
  'm',
  '5 m',
  '-5m',
  '1.5h',
  '5m1h',
  '5m5m',
  '1h30',
  '5min',
  `${'9'.repeat(20)}w`,
])('%j is no duration', text => {
  expect(parseDuration(text)).toBeUndefined()
})

test.for([
  [0, '0s'],
  [500, '500ms'],
  [5_400_000, '1h30m'],
  [7_776_000_000, '90d'],
] as const)('%d ms is written %s', ([ms, text]) => {
  expect(durationText(ms)).toBe(text)
})
