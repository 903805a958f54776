import { expect, test } from 'vitest'
import { stoppedText } from '../../../src/cli/stopped.ts'

test.each([
  'backfill',
  'sync',
  'retry',
  'load',
  'demo',
])('a stopped %s goes on from there when it is given again', command => {
  expect(stoppedText(command)).toBe('Stopped. What was recorded stays; the same command goes on from there.')
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
  expect(stoppedText(name)).toBe('Stopped.')
})

test('a stopped heal names the command that fetches what it took back', () => {
  expect(stoppedText('verify --heal')).toContain('the same command goes on from there')
})
