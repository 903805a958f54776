import { expect, test } from 'vitest'
import { backoffMs } from '../../../src/domain/backoff.ts'

const limits = { firstMs: 1_000, mostMs: 60_000 }

test.each([
  [1, 1_000],
  [2, 2_000],
  [6, 32_000],
  [7, 60_000],
  [5_000, 60_000],
])('after failure %i the wait is between half of %i ms and all of it', (failures, full) => {
  for (let i = 0; i < 100; i++) {
    const ms = backoffMs(failures, limits)
    expect(ms).toBeGreaterThanOrEqual(full / 2)
    expect(ms).toBeLessThanOrEqual(full)
  }
})

test('the other side is never asked again earlier than it says', () => {
  expect(backoffMs(1, limits, 90_000)).toBe(90_000)
})
