import type { Coverage } from '../domain/coverage.ts'
import { RangeSet, rangeLength, type TimeRange } from '../domain/range.ts'

/** Law 8, as moments of the gateway's clock. */
export interface Maturity {
  /** Nothing after this is asked for: it may not be stored yet. */
  readonly settledUntil: number
  /** What ends before this is final at the first look; what ends after it is provisional. */
  readonly matureUntil: number
}

export function maturityAt(gatewayNow: number, { settle, lateness }: { settle: number; lateness: number }): Maturity {
  return { settledUntil: gatewayNow - settle, matureUntil: gatewayNow - Math.max(settle, lateness) }
}

/**
 * Wanted minus covered is work. Provisional ranges are work again when they are mature: once, whole, and not in slivers —
 * a schedule of minutes would otherwise look twice at every one of its small ranges. `secondLookMs` is how much must
 * have matured before it is worth a request; 0 looks at once.
 */
export function missingRanges(
  wanted: TimeRange,
  covered: Coverage,
  maturity: Maturity,
  secondLookMs: number,
): RangeSet {
  const asked = RangeSet.of({ after: wanted.after, until: Math.min(wanted.until, maturity.settledUntil) })
  const mature = RangeSet.from(covered.looks.filter(look => look.until <= maturity.matureUntil))
  const worthALook = mature
    .intersect(covered.provisional)
    .ranges.filter(range => rangeLength(range) >= secondLookMs || endsProvisional(range, covered.provisional))
  return asked.subtract(covered.final).subtract(covered.provisional).add(RangeSet.from(worthALook).intersect(asked))
}

function endsProvisional(range: TimeRange, provisional: RangeSet): boolean {
  return provisional.ranges.some(whole => whole.until === range.until)
}
