import { describe, expect, it } from 'vitest'
import { coverageBar, coveredShare } from '../../../src/cli/coverage-bar.ts'
import { noCoverage } from '../../../src/domain/coverage.ts'
import { RangeSet, type TimeRange } from '../../../src/domain/range.ts'

const within = { after: 0, until: 1_000 }

function coverage(final: TimeRange[], provisional: TimeRange[] = []) {
  return { ...noCoverage, final: RangeSet.of(...final), provisional: RangeSet.of(...provisional) }
}

describe('the bar of a coverage', () => {
  it.each([
    ['··········', coverage([])],
    ['██████████', coverage([within])],
    ['██████████', coverage([{ after: -50, until: 2_000 }])],
    ['▓▓▓▓▓▓▓▓▓▓', coverage([], [within])],
    ['█████▓▓▓··', coverage([{ after: 0, until: 500 }], [{ after: 500, until: 800 }])],
    // a cell that is final and provisional is not final; one with a hole of a millisecond is not complete
    ['█▓········', coverage([{ after: 0, until: 150 }], [{ after: 150, until: 200 }])],
    [
      '█▒█·······',
      coverage([
        { after: 0, until: 150 },
        { after: 151, until: 300 },
      ]),
    ],
    ['·········▒', coverage([{ after: 999, until: 1_000 }])],
    ['··········', coverage([{ after: 1_000, until: 2_000 }])],
  ])('is %s', (bar, covered) => {
    expect(coverageBar(covered, within, 10)).toBe(bar)
  })

  it('is as wide as asked, also where its cells are no whole milliseconds', () => {
    for (const width of [1, 7, 48, 333]) {
      const bar = coverageBar(coverage([{ after: 0, until: 500 }]), within, width)
      expect(bar).toHaveLength(width)
      expect(bar).toMatch(/^█*▒?·*$/)
    }
  })
})

describe('the share that is covered', () => {
  it('counts final and provisional inside the range alone', () => {
    expect(coveredShare(coverage([]), within)).toBe(0)
    expect(coveredShare(coverage([{ after: -500, until: 250 }], [{ after: 750, until: 5_000 }]), within)).toBe(0.5)
    expect(coveredShare(coverage([within]), within)).toBe(1)
  })
})
