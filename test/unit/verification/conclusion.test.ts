import { expect, test } from 'vitest'
import { type Conclusion, conclusionOf } from '../../../src/verification/conclusion.ts'
import type { Finding } from '../../../src/verification/finding.ts'
import { emptyCompared } from '../../../src/verification/tallies.ts'
import type { Mode } from '../../../src/verification/verify.ts'

const finding = (verdict: Finding['verdict'], counts: Partial<Finding> = {}): Finding => ({
  ...{ gateway: 'g', selector: {}, range: { after: 0, until: 1 }, verdict, proof: 1, found: 1 },
  ...{ ...emptyCompared(), unconfirmed: 0, lost: 0, ...counts },
})
const equal = finding('equal', { equal: 5 })
const unknown = finding('unknown')
const pruned = finding('unconfirmed', { unconfirmed: 5 })

test.each<[string, readonly Finding[], Mode['compare'], Conclusion]>([
  ['all is equal', [equal, equal], 'full', 'equal'],
  ['one range differs', [equal, finding('differs', { lost: 1 })], 'full', 'differs'],
  ['the database contradicts itself', [equal, finding('differs'), finding('inconsistent')], 'full', 'inconsistent'],
  ['one range was not compared', [equal, unknown], 'full', 'partly'],
  ['one range is older than the database keeps', [equal, finding('expired')], 'counts', 'partly'],
  ['no range was compared', [unknown], 'full', 'uncompared'],
  ['the gateway has none of it any more', [pruned], 'full', 'uncompared'],
  ['the gateway has a part of it', [equal, pruned], 'full', 'equal'],
])('if %s', (_, findings, compare, conclusion) => {
  expect(conclusionOf(findings, 'final', compare, 0)).toBe(conclusion)
})

test('without a claim there is nothing to verify; with claims of another time nothing was compared', () => {
  expect(conclusionOf([], 'none', 'counts', 0)).toBe('nothing')
  expect(conclusionOf([], 'fresh', 'counts', 0)).toBe('uncompared')
})

test('equal is not complete while there are entries that could not be written', () => {
  expect(conclusionOf([equal], 'final', 'counts', 1)).toBe('unwritten')
  expect(conclusionOf([finding('differs', { lost: 1 })], 'final', 'counts', 1)).toBe('differs')
})
