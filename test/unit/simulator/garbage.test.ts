import { expect, test } from 'vitest'
import { createDice } from '../../../src/simulator/dice.ts'
import { noFaults } from '../../../src/simulator/faults.ts'
import { createGarbage, createGiant } from '../../../src/simulator/garbage.ts'
import { createRandom } from '../../../src/simulator/random.ts'

test('no garbage is the end marker or a whole entry', () => {
  const dice = createDice(
    () => noFaults,
    createRandom(1),
    () => undefined,
  )
  const seen = new Set<string>()
  for (let i = 0; i < 1000; i++) {
    const { odd } = createGarbage(dice)
    if (typeof odd !== 'string') continue
    seen.add(odd)
    expect(odd).not.toBe('"end"')
  }
  expect(seen.size).toBeGreaterThan(15)
})

test('a giant frame has the size that was asked for', () => {
  expect(createGiant(1000).odd).toHaveLength(1000)
})
