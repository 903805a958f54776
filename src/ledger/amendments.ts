import { type DatapointName, selectorMatches } from '../domain/datapoint.ts'
import type { Instant } from '../domain/instant.ts'
import type { Series } from '../domain/point.ts'
import { rangeHolds, type TimeRange } from '../domain/range.ts'
import type { Contents } from './contents.ts'
import type { Place, Targets } from './targets.ts'

/** A row of coverage whose count is about to change. */
export interface AmendedRow {
  readonly target: number
  readonly final: 0 | 1
  readonly range: TimeRange
  /** Never undefined: what is unknown already stays so. */
  readonly points: number
}

/**
 * Proofs of a place that change because points are added to ranges that are covered: dead letters that are replayed.
 * In between their counts are unknown, so that a crash leaves no proof that is wrong.
 */
export interface Amendments {
  /** Rows that a point belongs to. `named`: the datapoint in full, where it is known. */
  rowsOf(series: Series, named: DatapointName | undefined, at: Instant): AmendedRow[]
  doubt(rows: readonly AmendedRow[]): void
  /** `series` were added to each row. */
  restate(rows: readonly (AmendedRow & { readonly series: readonly Series[] })[]): void
}

export function openAmendments(
  place: Place,
  { targets, contents }: { targets: Targets; contents: Contents },
  transaction: (work: () => void) => void,
): Amendments {
  const known = targets.all(place)

  return {
    rowsOf(series, named, at) {
      const holding = new Set(contents.targetsOf(series))
      return known
        .filter(({ id, selector }) => holding.has(id) || (named !== undefined && selectorMatches(selector, named)))
        .flatMap(({ id }) => ([1, 0] as const).flatMap(final => rowAt(id, final, at)))
    },
    doubt(rows) {
      transaction(() => {
        for (const { target, final, range } of rows) targets.recount(target, final, range, undefined)
      })
    },
    restate(rows) {
      transaction(() => {
        for (const { target, final, range, points, series } of rows) {
          targets.recount(target, final, range, points)
          contents.note(target, series)
        }
      })
    },
  }

  function rowAt(target: number, final: 0 | 1, at: Instant): AmendedRow[] {
    const around = { after: at.ms - 1, until: at.ms + 1 }
    const row = targets.near(target, final, around).find(({ range }) => rangeHolds(range, at))
    return row?.points === undefined ? [] : [{ target, final, range: row.range, points: row.points }]
  }
}
