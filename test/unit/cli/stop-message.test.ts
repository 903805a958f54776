import { expect, test } from 'vitest'
import { stopMessage } from '../../../src/cli/outcome.ts'

test.each([
  'backfill',
  'sync',
  'retry',
  'load',
  'demo',
])('a stopped %s continues from there when it is given again', command => {
  expect(stopMessage(command)).toBe('Stopped. What was recorded is kept; the same command continues from there.')
})

test.each([
  'discover',
  'check',
  'watch',
  'plan',
  'simulate',
  'verify',
  'status',
])('a stopped %s claims nothing', name => {
  expect(stopMessage(name)).toBe('Stopped.')
})

test('a stopped heal names the command that fetches what it took back', () => {
  expect(stopMessage('verify --heal')).toContain('the same command continues from there')
})
