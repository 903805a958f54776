import { describe, expect, test } from 'vitest'
import { createCpuGate, isTooBusy } from '../../../src/pipeline/gateway-gates.ts'
import { steeredClock } from '../../support/steered-clock.ts'

describe('a busy gateway', () => {
  test('is left alone above the limit, and until it has come well below it', () => {
    expect([85, 85.1, 100].map(percent => isTooBusy(percent, 85, false))).toEqual([false, true, true])
    expect([84, 75.1, 75, 3].map(percent => isTooBusy(percent, 85, true))).toEqual([true, true, false, false])
  })

  test('can come below any limit', () => {
    for (const limit of [1, 5, 10, 100]) expect(isTooBusy(limit / 2, limit, true)).toBe(false)
  })

  test('is never left alone where its CPU is unknown or the limit is off', () => {
    expect(isTooBusy(undefined, 85, true)).toBe(false)
    expect(isTooBusy(100, undefined, true)).toBe(false)
  })

  test('is not waited for by a reading that is old, or from before the host’s clock was set back', () => {
    const clock = steeredClock()
    const heard = clock.now()
    const gate = createCpuGate({ clock, current: () => ({ percent: 99, at: heard }), pauseAbove: 85 })
    expect(gate()).toBeDefined()
    clock.set(heard + 120_001)
    expect(gate()).toBeUndefined()
    clock.set(heard - 3_600_000)
    expect(gate()).toBeUndefined()
  })
})
