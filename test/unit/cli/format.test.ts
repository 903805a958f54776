import { describe, expect, it } from 'vitest'
import {
  aboutText,
  bytesText,
  countOf,
  countText,
  minuteText,
  offsetText,
  shareText,
  tookText,
} from '../../../src/cli/format.ts'

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

  it.each([
    [0, 'about 0'],
    [7, 'about 7'],
    [999, 'about 999'],
    [51_836, 'about 51,800'],
    [1_234_567, 'about 1,230,000'],
  ])('estimate %d as %s', (count, text) => {
    expect(aboutText(count)).toBe(text)
  })

  it.each([
    [40_000, '0.0 MB'],
    [9_940_000, '9.9 MB'],
    [22_000_000, '22 MB'],
    [999_400_000, '999 MB'],
    [999_500_000, '1.0 GB'],
    [60_000_000_000, '60 GB'],
  ])('give %d bytes as %s', (bytes, text) => {
    expect(bytesText(bytes)).toBe(text)
  })

  it("tell a clock's difference in both directions, and call a small one none", () => {
    expect(offsetText(-1_999)).toBe("as this host's, to about a second")
    expect(offsetText(90_000)).toBe("1 min 30 s ahead of this host's")
    expect(offsetText(-3_600_000)).toBe("1 h behind this host's")
  })
})
