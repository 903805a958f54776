import { describe, expect, it } from 'vitest'
import { clockChanges } from '../../../src/planning/dst.ts'

const year = { after: Date.parse('2025-01-01'), until: Date.parse('2026-01-01') }

describe('the clock changes of a range', () => {
  it.each([
    ['Europe/Berlin', '2025-03-30T01:00:00.000Z', 60, '2025-10-26T01:00:00.000Z', -60],
    ['America/Los_Angeles', '2025-03-09T10:00:00.000Z', 60, '2025-11-02T09:00:00.000Z', -60],
    // half an hour, and the seasons the other way round
    ['Australia/Lord_Howe', '2025-04-05T15:00:00.000Z', -30, '2025-10-04T15:30:00.000Z', 30],
  ])('in %s are exact to the millisecond', (zone, first, by, second, back) => {
    expect(clockChanges(year, zone).map(({ at, minutes }) => [new Date(at).toISOString(), minutes])).toEqual([
      [first, by],
      [second, back],
    ])
  })

  it('have the date of the zone', () => {
    expect(clockChanges(year, 'Australia/Lord_Howe').map(({ date }) => date)).toEqual(['2025-04-06', '2025-10-05'])
  })

  it('are none outside of it, in a zone without any, and in an unknown one', () => {
    const summer = { after: Date.parse('2025-04-10'), until: Date.parse('2025-09-01') }
    expect(clockChanges(summer, 'Europe/Berlin')).toEqual([])
    expect(clockChanges(year, 'UTC')).toEqual([])
    expect(clockChanges(year, 'Nowhere/At_All')).toEqual([])
  })
})
