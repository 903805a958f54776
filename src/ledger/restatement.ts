import type { SinkGateway } from '../domain/coverage.ts'
import { type DatapointName, selectorMatches } from '../domain/datapoint.ts'
import type { Instant } from '../domain/instant.ts'
import type { Series } from '../domain/point.ts'
import { rangeHolds, type TimeRange } from '../domain/range.ts'
import type { CoverageRows } from './coverage.ts'
import type { CoverageSeries } from './coverage-series.ts'
import type { Marks } from './marks.ts'
import type { Targets } from './targets.ts'

/** A row of coverage whose count is about to change. */
export interface RestatedRow {
  readonly target: number
  readonly final: 0 | 1
  readonly range: TimeRange
  /** Never undefined: what is unknown already stays so. */
  readonly points: number
}

/**
 * Proofs of a gateway in a sink that change because points are added to ranges that are covered: dead letters that are
 * replayed. In between their counts are unknown, so that a crash leaves no proof that is wrong.
 */
interface Restatement {
  /** Rows that a point belongs to. `named`: the datapoint in full, where it is known. */
  rowsOf(series: Series, named: DatapointName | undefined, at: Instant): RestatedRow[]
  doubt(rows: readonly RestatedRow[]): void
  /** `series` were added to each row. */
  restate(rows: readonly (RestatedRow & { readonly series: readonly Series[] })[]): void
}

export function createRestatement(
  place: SinkGateway,
  parts: { targets: Targets; coverageRows: CoverageRows; coverageSeries: CoverageSeries; marks: Marks['within'] },
  transaction: (work: () => void) => void,
): Restatement {
  const { targets, coverageRows, coverageSeries, marks } = parts
  const known = targets.all(place)

  return {
    rowsOf(series, named, at) {
      const holding = new Set(coverageSeries.targetsOf(series))
      return known
        .filter(({ id, selector }) => holding.has(id) || (named !== undefined && selectorMatches(selector, named)))
        .flatMap(({ id }) => ([1, 0] as const).flatMap(final => rowAt(id, final, at)))
    },
    doubt(rows) {
      transaction(() => {
        for (const { target, final, range } of rows) coverageRows.recount(target, final, range, undefined)
      })
    },
    restate(rows) {
      transaction(() => {
        for (const { target, final, range, points, series } of rows) {
          coverageRows.recount(target, final, range, points)
          coverageSeries.note(target, series)
          marks.note(place.sink, target, range)
        }
      })
    },
  }

  function rowAt(target: number, final: 0 | 1, at: Instant): RestatedRow[] {
    const around = { after: at.ms - 1, until: at.ms + 1 }
    const row = coverageRows.near(target, final, around).find(({ range }) => rangeHolds(range, at))
    return row?.points === undefined ? [] : [{ target, final, range: row.range, points: row.points }]
  }
}
