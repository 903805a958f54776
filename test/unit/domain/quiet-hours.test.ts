import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseQuietHours, quietUntil } from '../../../src/domain/quiet-hours.ts'

const at = (text: string) => Date.parse(text)

describe('quiet hours', () => {
  it('are hours of the day, and nothing else is taken for them', () => {
    expect(parseQuietHours('07:00-18:30')).toEqual({ from: 420, until: 1110 })
    for (const text of ['7-18', '07:00-07:00', '24:00-01:00', '07:60-08:00', '07:00 - 18:00', ''])
      expect(parseQuietHours(text)).toBeUndefined()
  })

  it('begin with their first minute and end before their last', () => {
    const hours = { from: 420, until: 1080 }
    expect(quietUntil(at('2026-01-05T06:59:59Z'), hours, 'UTC')).toBeUndefined()
    expect(quietUntil(at('2026-01-05T07:00:00Z'), hours, 'UTC')).toBe(at('2026-01-05T18:00:00Z'))
    expect(quietUntil(at('2026-01-05T17:59:59Z'), hours, 'UTC')).toBe(at('2026-01-05T18:00:00Z'))
    expect(quietUntil(at('2026-01-05T18:00:00Z'), hours, 'UTC')).toBeUndefined()
  })

  it('may go over midnight', () => {
    const hours = { from: 1320, until: 360 }
    expect(quietUntil(at('2026-01-05T23:00:00Z'), hours, 'UTC')).toBe(at('2026-01-06T06:00:00Z'))
    expect(quietUntil(at('2026-01-06T05:00:00Z'), hours, 'UTC')).toBe(at('2026-01-06T06:00:00Z'))
    expect(quietUntil(at('2026-01-06T12:00:00Z'), hours, 'UTC')).toBeUndefined()
  })

  it('go by the wall clock of the gateway, also on the days when it changes', () => {
    const hours = { from: 60, until: 300 }
    // Berlin, 2026-03-29: 02:00 becomes 03:00, so that 05:00 is 03:00 UTC
    expect(quietUntil(at('2026-03-29T00:30:00Z'), hours, 'Europe/Berlin')).toBe(at('2026-03-29T03:00:00Z'))
    // 2026-10-25: 03:00 becomes 02:00, so that 05:00 is 04:00 UTC
    expect(quietUntil(at('2026-10-25T00:30:00Z'), hours, 'Europe/Berlin')).toBe(at('2026-10-25T04:00:00Z'))
  })

  it('always end, in the future and within a day and an hour', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 1439 }),
        fc.integer({ min: 0, max: 1439 }),
        fc.integer({ min: at('2020-01-01'), max: at('2030-01-01') }),
        fc.constantFrom('UTC', 'America/St_Johns', 'Australia/Lord_Howe', 'Europe/Berlin'),
        (from, until, now, zone) => {
          fc.pre(from !== until)
          const end = quietUntil(now, { from, until }, zone)
          if (end === undefined) return
          expect(end).toBeGreaterThan(now - 3_600_000)
          expect(end - now).toBeLessThanOrEqual(25 * 3_600_000)
        },
      ),
    )
  })
})
