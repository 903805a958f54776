import { expect, test } from 'vitest'
import { isPlausible } from '../../../src/pipeline/answer-premise.ts'

const day = 86_400_000
const range = { after: 0, until: day }

test.each([
  ['all that is logged', { received: 1_440, newestEntry: day }, 1_440, true],
  ['some gaps', { received: 900, newestEntry: day - 60_000 }, 1_440, true],
  ['nothing', { received: 0, newestEntry: undefined }, 1_440, false],
  ['less than half', { received: 700, newestEntry: day }, 1_440, false],
  ['an end in mid-range', { received: 1_000, newestEntry: day / 1.5 }, 1_440, false],
  ['nothing of what logs on change', { received: 0, newestEntry: undefined }, undefined, true],
  ['nothing where little is expected', { received: 0, newestEntry: undefined }, 12, true],
])('%s', (_, answer, perDay, is) => {
  expect(isPlausible(answer, range, perDay)).toBe(is)
})
