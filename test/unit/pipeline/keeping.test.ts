import { expect, it } from 'vitest'
import { keepable, keptPart } from '../../../src/pipeline/keeping.ts'

const wish = {
  wanted: (gatewayNow: number) => ({ after: 0, until: gatewayNow }),
  secondLookMs: 0,
  newestFirst: false,
  parkedRestMs: 0,
  deadline: undefined,
}

it('what the database would not keep is not wanted', () => {
  expect(keepable(wish, 300, 1_000).wanted(990)).toEqual({ after: 700, until: 990 })
  expect(keepable(wish, 3_000, 1_000).wanted(990)).toEqual({ after: 0, until: 990 })
  expect(keepable(wish, undefined, 1_000)).toBe(wish)
})

it('of a range that is older as a whole nothing is left', () => {
  expect(keptPart({ after: 0, until: 100 }, 500)).toEqual({ after: 100, until: 100 })
})
