import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { CountedRow } from '../../../src/verification/counts.ts'
import { findingOfCount, findingOfEntries, provenCount } from '../../../src/verification/finding.ts'
import type { Compared } from '../../../src/verification/tallies.ts'

function row(after: number, until: number, counts: Partial<CountedRow> = {}): CountedRow {
  const known = { proof: 5, found: 5, ...counts }
  const verdict = known.found === known.proof ? 'equal' : 'differs'
  return { gateway: 'g', selector: {}, series: [], range: { after, until }, verdict, ...known }
}

function sums(known: Partial<Compared>): Compared {
  return { equal: 0, missing: 0, different: 0, extra: 0, unwritable: 0, rounded: 0, unread: 0, examples: [], ...known }
}

function judged(counts: Partial<CountedRow>, read: Partial<Compared>, whole = true) {
  const one = row(0, 10, counts)
  return findingOfEntries(one, one.range, sums(read), whole)
}

describe('entry by entry', () => {
  it('what the gateway has pruned is neither equal nor a difference: its count alone is proven', () => {
    expect(judged({}, { equal: 3, extra: 2 })).toMatchObject({ verdict: 'equal', equal: 3, unconfirmed: 2, extra: 0 })
    expect(judged({}, { extra: 5 })).toMatchObject({ verdict: 'unconfirmed', equal: 0, unconfirmed: 5 })
  })

  it('a count that differs is never outvoted, however little the gateway still has', () => {
    expect(judged({ found: 3 }, { extra: 3 })).toMatchObject({ verdict: 'differs', lost: 2, unconfirmed: 3 })
    expect(judged({ found: 7 }, { equal: 5, extra: 2 })).toMatchObject({ verdict: 'differs', extra: 2, unconfirmed: 0 })
    expect(judged({ found: 7 }, { equal: 1, extra: 6 })).toMatchObject({ verdict: 'differs', extra: 2, unconfirmed: 4 })
    // of a part nothing can be said of where the rest is
    expect(judged({ found: 3 }, { equal: 3 }, false)).toMatchObject({ verdict: 'differs', lost: 0, missing: 0 })
  })

  it('is missing what the gateway still has, and lost what it has no more', () => {
    expect(judged({ found: 1 }, { equal: 1, missing: 3 })).toMatchObject({ missing: 3, lost: 1, extra: 0 })
    expect(judged({ found: 5 }, { equal: 4, missing: 1, extra: 1 })).toMatchObject({ missing: 1, lost: 0, extra: 1 })
  })

  it('that were read in part, or have no count and are not all there, are not called equal', () => {
    expect(judged({}, { equal: 4, unread: 1 })).toMatchObject({ verdict: 'unknown', lost: 0 })
    const uncounted = { proof: undefined, found: undefined }
    expect(judged(uncounted, { equal: 4 })).toMatchObject({ verdict: 'equal' })
    expect(judged(uncounted, { equal: 4, extra: 1 })).toMatchObject({ verdict: 'unknown', unconfirmed: 1 })
    expect(judged(uncounted, {})).toMatchObject({ verdict: 'unknown' })
  })

  it('never lose what was read: a smaller count is an inconsistent answer', () => {
    const read = { equal: 4, extra: 1 }
    expect(judged({ found: 2 }, read)).toMatchObject({ verdict: 'inconsistent', lost: 0, equal: 4, unconfirmed: 1 })
    expect(judged({ found: 2 }, read, false)).toMatchObject({ verdict: 'inconsistent', lost: 0 })
    expect(findingOfCount(row(0, 10, { found: 2 }), sums(read), true)).toMatchObject({
      verdict: 'inconsistent',
      lost: 0,
    })
    const small = fc.nat(6)
    fc.assert(
      fc.property(fc.boolean(), small, small, small, small, small, small, (whole, proof, found, equal, ...more) => {
        const [missing, different, extra] = more
        const compared = sums({ equal, missing, different, extra })
        const one = row(0, 10, { proof, found })
        for (const finding of [findingOfEntries(one, one.range, compared, whole), findingOfCount(one, compared, whole)])
          expect(finding.lost).toBeLessThanOrEqual(Math.max(0, proof - finding.equal))
      }),
    )
  })

  it('give counts that add up, whatever comes together', () => {
    const small = fc.nat(6)
    fc.assert(
      fc.property(small, small, small, small, small, small, (equal, missing, different, extra, pruned, gone) => {
        // proven once: all that the gateway has, what it has pruned since, and what is gone for good
        const proof = equal + missing + different + pruned + gone
        const found = equal + different + pruned + extra
        const finding = judged({ proof, found }, { equal, missing, different, extra: pruned + extra })
        expect(finding.extra + finding.unconfirmed).toBe(pruned + extra)
        expect(finding.extra - finding.lost).toBe(extra - gone)
        expect(finding.verdict === 'equal' || finding.verdict === 'unconfirmed').toBe(
          missing + different === 0 && extra === gone,
        )
      }),
    )
  })
})

describe('a count', () => {
  it('says missing until the gateway was asked, and lost when the gateway no longer has it', () => {
    expect(findingOfCount(row(0, 10, { found: 2 }))).toMatchObject({ missing: 3, lost: 0 })
    expect(findingOfCount(row(0, 10, { found: 2 }), sums({ equal: 2 }), true)).toMatchObject({ missing: 0, lost: 3 })
    expect(findingOfCount(row(0, 10, { found: 2 }), sums({ unread: 1 }), true)).toMatchObject({ missing: 3, lost: 0 })
  })

  it('does not hide what is missing behind what is only in the database', () => {
    const finding = findingOfCount(row(0, 10), sums({ equal: 3, missing: 2, extra: 2 }))
    expect(finding).toMatchObject({ verdict: 'differs', missing: 2, extra: 2, equal: 3 })
  })

  it('is never proven anew for less than it was', () => {
    expect(provenCount(row(0, 10, { found: 2 }), sums({ equal: 2 }), true)).toBe(5)
    expect(provenCount(row(0, 10, { found: 7 }), sums({ equal: 7 }), true)).toBe(7)
  })

  it('that is not known is proven by a gateway that still has all of its time, and by no other', () => {
    const uncounted = row(0, 10, { proof: undefined, found: undefined })
    expect(provenCount(uncounted, sums({ equal: 4 }), true)).toBe(4)
    expect(provenCount(uncounted, sums({ equal: 4 }), false)).toBeUndefined()
    for (const rest of [{ extra: 1 }, { missing: 1 }, { different: 1 }, { unread: 1 }])
      expect(provenCount(uncounted, sums({ equal: 4, ...rest }), true)).toBeUndefined()
  })
})
