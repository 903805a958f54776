import { describe, expect, it } from 'vitest'
import { countOf, countText, minuteText, shareText, tookText } from '../../../src/cli/figures.ts'

describe('figures for a person', () => {
  it.each([
    [0, '0'],
    [999, '999'],
    [1_234_567, '1,234,567'],
    [12.6, '13'],
  ])('count %d as %s', (count, text) => {
    expect(countText(count)).toBe(text)
  })

  it('name one and many', () => {
    expect([0, 1, 2, 1_000].map(count => countOf(count, 'request'))).toEqual([
      '0 requests',
      '1 request',
      '2 requests',
      '1,000 requests',
    ])
  })

  it.each([
    [0, '0.0 s'],
    [400, '0.4 s'],
    [9_949, '9.9 s'],
    [9_950, '10 s'],
    [59_499, '59 s'],
    [59_500, '1 min'],
    [200_000, '3 min 20 s'],
    [3_600_000, '1 h'],
    [3_605_000, '1 h'],
    [7_500_000, '2 h 5 min'],
    [86_400_000, '1 d'],
    [4 * 86_400_000 + 3 * 3_600_000 + 59_000, '4 d 3 h'],
  ])('give %d ms as %s', (ms, text) => {
    expect(tookText(ms)).toBe(text)
  })

  it.each([
    [0, '0 %'],
    [0.004, '0 %'],
    [0.5, '50 %'],
    [0.999999, '99 %'],
    [1, '100 %'],
  ])('give a share of %d as %s: all is said of all alone', (share, text) => {
    expect(shareText(share)).toBe(text)
  })

  it('give the minute in UTC', () => {
    expect(minuteText(Date.UTC(2026, 0, 31, 7, 5, 59, 999))).toBe('2026-01-31 07:05')
  })
})
