import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isImpossibleClock, timeLived } from '../../../src/planning/clock-premise.ts'
import { runs } from '../../support/runs.ts'

const start = Date.UTC(2026, 0, 31, 8)
const minute = 60_000
const hour = 60 * minute
const day = 24 * hour
const year = 365 * day

describe('the time that a clock went through between two readings', () => {
  test('is what lies between them while it runs on, whatever became of the clock of the host', () => {
    for (const hostSet of [0, -3 * hour, 56 * year]) {
      const earlier = { host: start, gateway: start + 5_000 }
      const now = { host: start + hour + hostSet, gateway: start + 5_000 + hour }
      expect(timeLived(earlier, now, hour).ranges).toEqual([{ after: earlier.gateway, until: now.gateway }])
    }
  })

  test('after a set-back is what was gone through again, and no more', () => {
    const earlier = { host: start, gateway: start }
    const now = { host: start + 10 * minute, gateway: start - 5 * hour }
    const lived = timeLived(earlier, now, 10 * minute)
    expect(lived.ranges).toEqual([
      { after: now.gateway - 10 * minute - 2_000, until: now.gateway },
      { after: start, until: start + 10 * minute },
    ])
  })

  test('of a gateway that booted in 1970 and was put right later is no day in between', () => {
    const booted = { host: start, gateway: 2 * minute }
    const corrected = { host: start + hour, gateway: start + hour }
    expect(timeLived(booted, corrected, hour).length).toBeLessThanOrEqual(2 * hour + 2_000)
    expect(timeLived(booted, corrected, undefined).length).toBeLessThanOrEqual(2 * hour + 2_000)
  })

  test('while the process was down is known by the clock of the host', () => {
    const earlier = { host: start, gateway: start }
    const now = { host: start + 3 * day, gateway: start - 2 * day }
    expect(timeLived(earlier, now, undefined).covers({ after: start - 5 * day, until: start - 2 * day })).toBe(true)
  })

  test('is a day at most where the host booted without its time, and nothing where it was put right', () => {
    const earlier = { host: start, gateway: start }
    const behind = { host: 2 * minute, gateway: start + hour }
    expect(timeLived(earlier, behind, undefined).covers({ after: start, until: start + hour })).toBe(true)
    expect(timeLived(earlier, behind, undefined).length).toBeLessThanOrEqual(2 * day + 2_000)
    const right = { host: start + 2 * hour, gateway: start + 2 * hour }
    expect(timeLived(behind, right, undefined).ranges).toEqual([{ after: start + hour, until: start + 2 * hour }])
  })

  test('holds every moment gone through, wherever a set clock stood, and misses none that was proven', () => {
    const jump = fc.integer({ min: -10 * day, max: 10 * day })
    const span = fc.integer({ min: 0, max: 2 * day })
    fc.assert(
      fc.property(jump, jump, span, span, fc.boolean(), (gatewayJump, hostJump, before, after, isSameProcess) => {
        const passed = before + after
        const earlier = { host: start, gateway: start }
        const landed = start + before + gatewayJump
        const now = { host: start + passed + (isSameProcess ? hostJump : 0), gateway: landed + after }
        const lived = timeLived(earlier, now, isSameProcess ? passed : undefined)
        // smaller jumps are below what a reading can tell, and below what sync.settle leaves out
        if (Math.abs(gatewayJump) <= 2_000) return
        expect(lived.covers({ after: start, until: start + before })).toBe(true)
        expect(lived.covers({ after: landed, until: now.gateway })).toBe(true)
        expect(lived.length).toBeLessThanOrEqual(2 * passed + 2_000)
      }),
      { numRuns: runs(2_000) },
    )
  })
})

test.each([
  ['a clock that lost its time', start, 2 * minute, true],
  ['a clock of before there was such a gateway', start, Date.UTC(2016, 0, 1), true],
  ['a clock two years ahead', start, start + 2 * year, true],
  ['a clock a month behind', start, start - 30 * day, false],
  ['a good clock beside a host that lost its time', 2 * minute, start, false],
])('%s', (_, host, gateway, isImpossible) => {
  expect(isImpossibleClock({ host, gateway })).toBe(isImpossible)
})
