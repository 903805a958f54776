import { expect } from 'vitest'
import type { Cell } from './truth.ts'

/** Compares as lists; the first few differences say more than two arrays of 100,000. */
export function expectSame(actual: readonly Cell[], expected: readonly Cell[]): void {
  const [there, wanted] = [new Set(actual), new Set(expected)]
  const missing = expected.filter(it => !there.has(it)).slice(0, 5)
  const extra = actual.filter(it => !wanted.has(it)).slice(0, 5)
  expect({ missing, extra, count: actual.length }).toEqual({ missing: [], extra: [], count: expected.length })
}

/** Everything expected is there; there may be more. */
export function expectHolds(actual: readonly Cell[], expected: readonly Cell[]): void {
  const there = new Set(actual)
  expect(expected.filter(it => !there.has(it)).slice(0, 5)).toEqual([])
}
