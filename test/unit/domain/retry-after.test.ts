import { expect, test } from 'vitest'
import { retryAfterMs, retryAfterOf } from '../../../src/domain/retry-after.ts'

const now = Date.parse('2026-01-01T00:00:00Z')

test.each([
  ['3', 3_000],
  ['Thu, 01 Jan 2026 00:00:07 GMT', 7_000],
  ['Wed, 31 Dec 2025 00:00:00 GMT', 0],
  ['-5', 0],
  ['soon', undefined],
  ['', undefined],
  [undefined, undefined],
  ['1795836000', 3_600_000],
  ['1e308', 3_600_000],
  ['Infinity', 3_600_000],
  ['Fri, 01 Jan 2100 00:00:00 GMT', 3_600_000],
])('Retry-After %s is a wait of %s ms', (header, ms) => {
  expect(retryAfterMs(header, now)).toBe(ms)
})

test('a date is compared with the clock of the answer, which may be wrong', () => {
  const headers = { date: 'Thu, 01 Jan 2015 00:00:00 GMT', 'retry-after': 'Thu, 01 Jan 2015 00:00:07 GMT' }
  expect(retryAfterOf(headers)).toBe(7_000)
  expect(retryAfterOf({ 'retry-after': headers['retry-after'] })).toBeUndefined()
  expect(retryAfterOf({ 'retry-after': '0' })).toBeUndefined()
  expect(retryAfterOf({ 'retry-after': '5' })).toBe(5_000)
})
