import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { adaptWindow, entryLimit, firstWindow, shrinkWindow, type WindowLimits } from '../../../src/planning/window.ts'

const minute = 60_000
const day = 86_400_000
const limits: WindowLimits = { entries: 50_000, shortest: minute, longest: 30 * day }

function done(lengthMs: number, received: number, tookMs: number) {
  return { range: { after: 1_000, until: 1_000 + lengthMs }, received, tookMs }
}

describe('the window of requests', () => {
  it('begins with a day, within the limits', () => {
    expect(firstWindow(limits)).toBe(day)
    expect(firstWindow({ ...limits, longest: 3_600_000 })).toBe(3_600_000)
    expect(firstWindow({ ...limits, shortest: 2 * day })).toBe(2 * day)
  })

  it('grows towards the wanted entries, at most by two', () => {
    expect(adaptWindow(day, limits, done(day, 10_000, 100))).toBe(2 * day)
    expect(adaptWindow(day, limits, done(day, 40_000, 100))).toBe(1.25 * day)
  })

  it('shrinks towards the wanted entries, at most by two', () => {
    expect(adaptWindow(day, limits, done(day, 62_500, 100))).toBe(0.8 * day)
    expect(adaptWindow(day, limits, done(day, 5_000_000, 100))).toBe(0.5 * day)
  })

  it('shrinks when a request takes long, although it brings few entries', () => {
    expect(adaptWindow(day, limits, done(day, 10, 12_500))).toBe(0.8 * day)
    expect(adaptWindow(day, limits, done(day, 10, 600_000))).toBe(0.5 * day)
  })

  it('doubles after an empty answer to a whole window, and stays after one to a short rest', () => {
    expect(adaptWindow(day, limits, done(day, 0, 50))).toBe(2 * day)
    expect(adaptWindow(day, limits, done(day / 10, 0, 50))).toBe(day)
  })

  it('halves after a failure, down to the shortest', () => {
    expect(shrinkWindow(day, limits)).toBe(day / 2)
    expect(shrinkWindow(1.5 * minute, limits)).toBe(minute)
  })

  it('is always whole milliseconds within the limits, and changes at most by a factor of two', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: minute, max: 30 * day }),
        fc.integer({ min: 1, max: 40 * day }),
        fc.nat(10_000_000),
        fc.nat(10_000_000),
        (windowMs, lengthMs, received, tookMs) => {
          const next = adaptWindow(windowMs, limits, done(lengthMs, received, tookMs))
          expect(Number.isInteger(next)).toBe(true)
          expect(next).toBeGreaterThanOrEqual(Math.max(minute, Math.floor(windowMs / 2)))
          expect(next).toBeLessThanOrEqual(Math.min(30 * day, 2 * windowMs))
        },
      ),
    )
  })
})

describe('the entries that one request may bring', () => {
  it.each([
    [1, 1_000_000, false],
    [2, 1_000_000, false],
    [3, 200_000, true],
  ])('are bounded for a range of %i times the shortest too', (times, mostEntries, canBeShorter) => {
    expect(entryLimit({ range: { after: 0, until: times * minute } }, limits)).toEqual({ mostEntries, canBeShorter })
  })
})
