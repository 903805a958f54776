import type { Selector } from '../domain/datapoint.ts'
import type { TimeRange } from '../domain/range.ts'
import type { CountedRow } from './counts.ts'
import type { Sums } from './tallies.ts'

/**
 * `equal`: compared, and nothing differs. `unconfirmed`: the count holds, and the gateway has nothing left to compare
 * with. `unknown`: not compared, or not all of it. `expired`: nor can it be, for the database keeps less.
 */
export type Verdict = 'equal' | 'unconfirmed' | 'differs' | 'unknown' | 'expired'

/** What became of one range that the ledger calls complete. */
export interface Finding {
  readonly gateway: string
  readonly selector: Selector
  readonly range: TimeRange
  readonly verdict: Verdict
  readonly proof: number | undefined
  readonly found: number | undefined
  readonly equal: number
  readonly missing: number
  readonly different: number
  /** Only in the database, and more than there is proof of. */
  readonly extra: number
  /** Only in the database: the gateway has them no more, and only their count may be proven. */
  readonly unconfirmed: number
  /** Proven once, and now neither in the database nor on the gateway. */
  readonly lost: number
  readonly unwritable: number
  readonly examples: readonly string[]
  /** Windows that the gateway did not give. */
  readonly unread: number
}

const nothing = { equal: 0, missing: 0, different: 0, extra: 0, unconfirmed: 0, lost: 0, unwritable: 0, unread: 0 }

/**
 * By count; `sums` is what the gateway was asked for besides. `whole`: that was all of the row, so that what is proven and
 * nowhere is lost.
 */
export function findingOfCount(row: CountedRow, sums?: Sums, whole = false): Finding {
  const { gateway, selector, range, verdict, proof, found } = row
  const { missing: seen, different, unread, examples } = sums ?? { ...nothing, examples: [] }
  const known = { ...nothing, gateway, selector, range, verdict, proof, found, different, unread, examples }
  if (proof === undefined || found === undefined) return known
  const missing = whole && unread === 0 ? seen : Math.max(seen, proof - found)
  const surplus = found + missing - proof
  const [extra, lost] = [Math.max(0, surplus), Math.max(0, -surplus)]
  const differs = missing + different + extra + lost > 0
  return { ...known, equal: found - extra - different, missing, extra, lost, verdict: differs ? 'differs' : verdict }
}

/** Where entries are compared, of a row whose gateway cannot be asked: its count says less than they would. */
export function findingUnasked(row: CountedRow): Finding {
  const counted = findingOfCount(row)
  const { verdict, equal } = counted
  return {
    ...counted,
    equal: 0,
    unconfirmed: equal,
    verdict: verdict === 'equal' && equal > 0 ? 'unconfirmed' : verdict,
  }
}

/**
 * Entry by entry, and by the count of the whole row besides: equal is only what both say. What the database has alone is
 * no difference as far as it is proven to have been there: the gateway has pruned it since.
 * `whole`: the part is all of the row, so that what is proven and nowhere is lost.
 */
export function judgePart(row: CountedRow, part: TimeRange, sums: Sums, whole: boolean): Finding {
  const { gateway, selector, proof, found } = row
  const { equal, missing, different, unwritable, unread, examples } = sums
  const due = proof === undefined || found === undefined ? undefined : dueOf(proof, sums)
  const surplus = due === undefined ? 0 : found! + missing - due
  const extra = Math.min(sums.extra, Math.max(0, surplus))
  const lost = whole && unread === 0 ? Math.max(0, -surplus) : 0
  const unconfirmed = sums.extra - extra
  const differs = missing + different + extra + lost > 0 || (due !== undefined && found !== due)
  return {
    gateway,
    selector,
    range: part,
    verdict: differs ? 'differs' : verdictOf(sums, due !== undefined),
    proof,
    found,
    equal,
    missing,
    different,
    extra,
    unconfirmed,
    lost,
    unwritable,
    examples: unconfirmed > 0 ? examples.filter(it => !it.startsWith('only in')) : examples,
    unread,
  }
}

/** What there must be: what was once proven, or what the gateway has now, if that is more. */
function dueOf(proof: number, { equal, missing, different }: Sums): number {
  return Math.max(proof, equal + missing + different)
}

/** Of a part in which nothing differs. Without a count, only what both sides have is known to be right. */
function verdictOf({ equal, extra, unread }: Sums, isCounted: boolean): Verdict {
  if (unread > 0) return 'unknown'
  if (isCounted) return equal === 0 && extra > 0 ? 'unconfirmed' : 'equal'
  return equal > 0 && extra === 0 ? 'equal' : 'unknown'
}

/**
 * The count that a row is proven to have now that all of it was read from the gateway, and nothing differs; undefined:
 * not known. It never falls: what was proven once and is gone is a loss, whoever is asked. Where nothing was known, the
 * gateway must still have all of it (`reaches`), and the database nothing else.
 */
export function provenCount(row: CountedRow, sums: Sums, reaches: boolean): number | undefined {
  const { equal, missing, different, extra, unread } = sums
  if (missing + different + unread > 0) return row.proof
  if (row.proof !== undefined) return dueOf(row.proof, sums)
  return reaches && extra === 0 ? equal : undefined
}

/** Parts of rows, drawn by chance: the same seed, the same parts. */
export function sampleRows<Row extends { readonly range: TimeRange }>(
  rows: readonly Row[],
  count: number,
  windowMs: number,
  random: () => number,
): { row: Row; range: TimeRange }[] {
  const total = rows.reduce((sum, { range }) => sum + range.until - range.after, 0)
  return Array.from({ length: total === 0 ? 0 : count }, () => {
    let at = Math.floor(random() * total)
    let row = rows[0]!
    for (const one of rows) {
      row = one
      if (at < one.range.until - one.range.after) break
      at -= one.range.until - one.range.after
    }
    const length = Math.min(windowMs, row.range.until - row.range.after)
    const after = Math.min(row.range.after + at, row.range.until - length)
    return { row, range: { after, until: after + length } }
  })
}
