import type { Selector } from '../domain/datapoint.ts'
import type { TimeRange } from '../domain/range.ts'
import type { CountedRow } from './counts.ts'
import { type Compared, emptyCompared, emptyTallies } from './tallies.ts'

/**
 * `equal`: compared, and nothing differs. `unconfirmed`: the count is right, and the gateway has nothing left to compare
 * with. `unknown`: not compared, or not all of it. `expired`: it cannot be compared, because it is older than the database
 * keeps. `inconsistent`: the database counts fewer points than it gives one by one, so that its count says nothing.
 */
type Verdict = 'equal' | 'unconfirmed' | 'differs' | 'unknown' | 'expired' | 'inconsistent'

/** What a verification found out about one range that the ledger calls complete. */
export interface Finding extends Readonly<Compared> {
  readonly gateway: string
  readonly selector: Selector
  readonly range: TimeRange
  readonly verdict: Verdict
  /** Points that the ledger has proof of; undefined: not known. */
  readonly proof: number | undefined
  /** Points that the database holds; undefined: not counted. */
  readonly found: number | undefined
  /** Only in the database: the gateway has them no more, and only their count may be proven. */
  readonly unconfirmed: number
  /** Proven once, and now neither in the database nor on the gateway. */
  readonly lost: number
}

/**
 * By count. `compared` is what was read from the gateway as well. `isWhole`: that was all of the row, so that what is
 * proven and is in neither place is lost.
 */
export function findingOfCount(row: CountedRow, compared = emptyCompared(), isWhole = false): Finding {
  const { gateway, selector, range, verdict, proof, found } = row
  if (isInconsistent(row, compared)) return inconsistent(row, range, compared)
  const { missing: seen, different, unread, examples } = compared
  const known = {
    ...{ gateway, selector, range, verdict, proof, found },
    ...{ ...emptyTallies(), different, unread, examples, unconfirmed: 0, lost: 0 },
  }
  if (proof === undefined || found === undefined) return known
  const missing = isWhole && unread === 0 ? seen : Math.max(seen, proof - found)
  const surplus = found + missing - proof
  const [extra, lost] = [Math.max(0, surplus), Math.max(0, -surplus)]
  const differs = missing + different + extra + lost > 0
  return { ...known, equal: found - extra - different, missing, extra, lost, verdict: differs ? 'differs' : verdict }
}

/** In a comparison by entries, for a row whose gateway cannot be asked: its count says less. */
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
 * Entry by entry, and by the count of the whole row as well: equal is only what both say. What only the database has is no
 * difference as far as it is proven to have been on the gateway, which has pruned it since.
 * `isWhole`: the part is all of the row, so that what is proven and is in neither place is lost.
 */
export function findingOfEntries(row: CountedRow, part: TimeRange, compared: Compared, isWhole: boolean): Finding {
  if (isInconsistent(row, compared)) return inconsistent(row, part, compared)
  const { gateway, selector, proof, found } = row
  const { missing, different, unread, examples } = compared
  const due = proof === undefined || found === undefined ? undefined : dueOf(proof, compared)
  const surplus = due === undefined ? 0 : found! + missing - due
  const extra = Math.min(compared.extra, Math.max(0, surplus))
  const lost = isWhole && unread === 0 ? Math.max(0, -surplus) : 0
  const unconfirmed = compared.extra - extra
  const differs = missing + different + extra + lost > 0 || (due !== undefined && found !== due)
  return {
    ...compared,
    gateway,
    selector,
    range: part,
    verdict: differs ? 'differs' : verdictOf(compared, due !== undefined),
    proof,
    found,
    extra,
    unconfirmed,
    lost,
    examples: unconfirmed > 0 ? examples.filter(({ of }) => of !== 'extra') : examples,
  }
}

/**
 * Entry by entry, of a part whose row is short of points elsewhere: the rest of the row is not judged. To be called where
 * the gateway still has all of the part.
 */
export function findingOfPart(row: CountedRow, part: TimeRange, compared: Compared): Finding {
  if (isInconsistent(row, compared)) return inconsistent(row, part, compared)
  const { gateway, selector, proof, found } = row
  const { equal, missing, different, unread, extra, examples } = compared
  const whole = unread > 0 || equal === 0 ? 'unknown' : 'equal'
  return {
    ...compared,
    ...{ gateway, selector, range: part, proof, found, extra: 0, unconfirmed: extra, lost: 0 },
    verdict: missing + different > 0 ? 'differs' : whole,
    examples: examples.filter(({ of }) => of !== 'extra'),
  }
}

/** It counts fewer points in a row than it has given one by one in a part of it: nothing is lost by such a count. */
export function isInconsistent({ found }: Pick<CountedRow, 'found'>, compared: Compared): boolean {
  return found !== undefined && found < heldOf(compared)
}

/** Points that the database has given one by one. */
export function heldOf({ equal, different, extra }: Compared): number {
  return equal + different + extra
}

function inconsistent({ gateway, selector, proof, found }: CountedRow, range: TimeRange, compared: Compared): Finding {
  const known = { gateway, selector, range, verdict: 'inconsistent', proof, found } as const
  return { ...compared, ...known, extra: 0, unconfirmed: compared.extra, lost: 0 }
}

/** The number of points that must be there: what was once proven, or what the gateway has now, if that is more. */
function dueOf(proof: number, { equal, missing, different }: Compared): number {
  return Math.max(proof, equal + missing + different)
}

/** For a part in which nothing differs. Without a count, only what both sides have is known to be right. */
function verdictOf({ equal, extra, unread }: Compared, isCounted: boolean): Verdict {
  if (unread > 0) return 'unknown'
  if (isCounted) return equal === 0 && extra > 0 ? 'unconfirmed' : 'equal'
  return equal > 0 && extra === 0 ? 'equal' : 'unknown'
}

/**
 * The count that a row is proven to have after all of it was read from the gateway and nothing differs; undefined: not
 * known. It never falls: what was proven once and is gone is a loss. If nothing was known before, the gateway must still
 * have all of it (`reaches`), and the database must hold nothing else.
 */
export function provenCount(row: CountedRow, compared: Compared, reaches: boolean): number | undefined {
  const { equal, missing, different, extra, unread } = compared
  if (missing + different + unread > 0) return row.proof
  if (row.proof !== undefined) return dueOf(row.proof, compared)
  return reaches && extra === 0 ? equal : undefined
}
