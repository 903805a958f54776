import { expect, test } from 'vitest'
import { maturityAt } from '../../../src/planning/missing.ts'

const now = Date.UTC(2026, 0, 31, 8)
const minute = 60_000
const hour = 60 * minute
const delays = { settle: 2 * minute, lateness: hour }
const clocks = { gateway: now, host: now, isOwnTime: true, newestEntry: undefined }
const until = (change: Partial<typeof clocks> | { newestEntry: number }) => {
  const { settledUntil, matureUntil } = maturityAt({ ...clocks, ...change }, delays)
  return [settledUntil - now, matureUntil - now]
}

test.each([
  ['clocks that agree', {}, [-2, -60]],
  ['a gateway a few seconds ahead', { gateway: now + 5_000 }, [-2 + 5 / 60, -60]],
  ['a gateway two hours ahead by its own clock', { gateway: now + 2 * hour }, [118, -60]],
  ['a header two hours ahead', { gateway: now + 2 * hour, isOwnTime: false }, [-2, -60]],
  [
    'a header two hours ahead, and entries that prove half an hour of it',
    { gateway: now + 2 * hour, isOwnTime: false, newestEntry: now + hour / 2 },
    [28, -60],
  ],
  [
    'a header ahead of a site that has been silent',
    { gateway: now + hour, isOwnTime: false, newestEntry: now - 2 * hour },
    [-2, -180],
  ],
  [
    'such a site that has been silent for a year',
    { gateway: now + hour, isOwnTime: false, newestEntry: now - 8_760 * hour },
    [-2, -1_500],
  ],
  [
    'a gateway an hour ahead by its own clock, and a silent site',
    { gateway: now + hour, newestEntry: now - 2 * hour },
    [58, -60],
  ],
  ['a gateway two hours behind', { gateway: now - 2 * hour }, [-122, -180]],
  ['a host that lost its time', { host: 120_000 }, [-2, (120_000 - now) / minute - 60]],
])('%s', (_, change, minutes) => {
  expect(until(change).map(ms => ms / minute)).toEqual(minutes)
})
