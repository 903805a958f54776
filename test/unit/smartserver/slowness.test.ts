import { describe, expect, it } from 'vitest'
import { createSlowness } from '../../../src/smartserver/slowness.ts'

const idleTimeoutMs = 120_000
const tenMinutes = 600_000

describe('a data-log socket', () => {
  it('that brings hardly anything for five idle timeouts is too slow, whatever it brought before', () => {
    const look = createSlowness(idleTimeoutMs)
    expect(look(tenMinutes - 1, 0)).toBeUndefined()
    expect(look(tenMinutes, 100_000)).toBeUndefined()
    expect(look(2 * tenMinutes - 1, 100_049)).toBeUndefined()
    expect(look(2 * tenMinutes, 100_049)).toBeDefined()
  })

  it('that is slow but goes on is given an hour', () => {
    const look = createSlowness(idleTimeoutMs)
    for (let readMs = 0; readMs <= 3_600_000; readMs += 60_000) expect(look(readMs, readMs / 10_000)).toBeUndefined()
    expect(look(3_600_001, 1e9)).toBeDefined()
  })
})
