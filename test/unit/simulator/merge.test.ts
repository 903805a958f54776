import fc from 'fast-check'
import { expect, test } from 'vitest'
import { mergeByTime } from '../../../src/simulator/merge.ts'
import { compareMoments } from '../../../src/simulator/timestamps.ts'

const moment = fc.record({ ms: fc.integer({ min: 0, max: 5 }), nanos: fc.integer({ min: 0, max: 3 }) })
const sequences = fc.array(fc.array(moment).map(items => items.sort(compareMoments)))

test('a merge is in order of time to the last digit, and ties keep the order of the sequences', () => {
  fc.assert(
    fc.property(sequences, lists => {
      const items = lists.flatMap((list, rank) => list.map(({ ms, nanos }) => ({ ms, nanos, rank })))
      const expected = items.toSorted((a, b) => a.ms - b.ms || a.nanos - b.nanos || a.rank - b.rank)
      const tagged = lists.map((list, rank) => list.map(({ ms, nanos }) => ({ ms, nanos, rank })))
      expect([...mergeByTime(tagged)]).toEqual(expected)
    }),
  )
})

test('a merge reads no further than it is asked to', () => {
  let read = 0
  function* endless() {
    for (;;) yield { ms: read++, nanos: 0 }
  }
  const merged = mergeByTime([endless()])
  for (let i = 0; i < 5; i++) merged.next()
  expect(read).toBeLessThanOrEqual(5)
})
