import type { SinkGateway } from '../domain/coverage.ts'
import type { Selector } from '../domain/datapoint.ts'
import { type Series, seriesLabel } from '../domain/point.ts'
import { RangeSet } from '../domain/range.ts'
import type { FormedRule } from '../domain/rule-form.ts'
import type { CoverageRows } from './coverage.ts'
import { type CoverageSeries, seriesOfRow } from './coverage-series.ts'
import type { Memory } from './memory.ts'
import type { Statement, Statements, Transaction } from './statements.ts'
import type { Targets } from './targets.ts'

/** What the points of a selector were made by, and where they are. */
interface TargetRules {
  readonly selector: Selector
  /** Undefined: it was recorded before rules were. */
  readonly rules: readonly FormedRule[] | undefined
  readonly series: readonly Series[]
}

/** A selector, and the rules that its points are taken for made by. */
interface FormedTarget {
  readonly selector: Selector
  readonly rules: readonly FormedRule[]
}

/** A selector whose points were made by an earlier rule. */
interface RetiredTarget extends TargetRules {
  readonly id: number
  /** What of its time is proven, by the earlier rule. */
  readonly proven: RangeSet
}

/** How a selector begins anew, by other rules. */
interface Renewal {
  readonly selector: Selector
  /** Undefined: nothing takes its place. */
  readonly rules: readonly FormedRule[] | undefined
  /** The proof up to here is kept as that of the earlier rule; undefined: none is. ms UTC */
  readonly since: number | undefined
}

/** The end of all time: what is proven after a moment. */
const endOfTime = Number.MAX_SAFE_INTEGER

/** The rules that points were made by: part of what their proof rests on (law 14). */
export function createTargetRules(
  database: Statements,
  parts: {
    readonly targets: Targets
    readonly coverageRows: CoverageRows
    readonly coverageSeries: CoverageSeries
    readonly memory: Memory
  },
  { transaction, now }: { readonly transaction: Transaction; readonly now: () => number },
) {
  const { targets, coverageRows, coverageSeries, memory } = parts
  const all = database.prepare(
    `SELECT target.id, selector, rules, measurement, tags FROM target
     LEFT JOIN content ON content.target = target.id LEFT JOIN series ON series.id = content.series
     WHERE sink = ? AND gateway = ? AND retired IS NULL ORDER BY target.id, series.id`,
  )
  const gone = database.prepare(
    'SELECT id, selector, rules FROM target WHERE sink = ? AND gateway = ? AND retired IS NOT NULL ORDER BY id',
  )
  const unknown = database.prepare('SELECT 1 FROM target WHERE id = ? AND rules IS NULL')
  const set = database.prepare('UPDATE target SET rules = ? WHERE id = ?')
  const begin = database.prepare('UPDATE target SET rules = ?, since = ? WHERE id = ?')
  const retire = database.prepare('UPDATE target SET key = key || char(10) || id, retired = ? WHERE id = ?')
  const ofSink = database.prepare('SELECT id, selector, rules, retired FROM target WHERE id = ? AND sink = ?')
  const [proofs, failed] = [['unconfirmed', 'recent', 'point_sample'], ['parked']].map(tables =>
    tables.map(table => database.prepare(`DELETE FROM ${table} WHERE target = ?`)),
  ) as [Statement[], Statement[]]

  function putAside(id: number, since: number | undefined): void {
    coverageRows.uncover(id, RangeSet.of({ after: since ?? Number.MIN_SAFE_INTEGER, until: endOfTime }))
    for (const statement of [...proofs, ...failed]) statement.run(id)
    retire.run(now(), id)
  }

  return {
    /** Of all selectors that are in use. */
    of(place: SinkGateway): TargetRules[] {
      const rows = all.all(place.sink, place.gateway)
      return [...Map.groupBy(rows, ({ id }) => id).values()].map(ofOne => {
        const series = ofOne.filter(({ measurement }) => measurement !== null).map(seriesOfRow)
        return { ...rulesOf(ofOne[0]!), series }
      })
    },
    retired: (place: SinkGateway): RetiredTarget[] =>
      gone.all(place.sink, place.gateway).map(row => {
        const id = Number(row['id'])
        return { id, ...rulesOf(row), series: coverageSeries.of(id), proven: coverageRows.coveredBy(id) }
      }),
    /** The points of these are taken for made by these rules. */
    accept(place: SinkGateway, accepted: readonly FormedTarget[]): void {
      if (accepted.length === 0) return
      transaction(() => {
        for (const { selector, rules } of accepted) set.run(JSON.stringify(rules), targets.ensure(place, selector))
      })
    },
    /**
     * Other rules take the place of earlier ones: proof after `since` is taken back, what is before is kept as proof of points by the
     * earlier ones and counts no more.
     */
    renew(place: SinkGateway, renewals: readonly Renewal[]): void {
      transaction(() => {
        for (const { selector, rules, since } of renewals) {
          const id = targets.find(place, selector)
          if (id !== undefined) {
            memory.within.dropRemarks(place.gateway, new Set(coverageSeries.of(id).map(seriesLabel)))
            putAside(id, since)
          }
          if (rules !== undefined) begin.run(JSON.stringify(rules), since ?? null, targets.ensure(place, selector))
        }
      })
    },
    /**
     * Before the points of these series are removed from a database: all that rests on them is taken back, so that it is
     * fetched again. Returns the selectors that it was taken from.
     */
    takeBack(sink: string, series: readonly Series[]): Selector[] {
      const held = [...new Set(series.flatMap(one => coverageSeries.targetsOf(one)))]
      const own = held.flatMap(id => ofSink.all(id, sink))
      transaction(() => {
        for (const { id } of own) {
          coverageRows.uncoverAll(Number(id))
          for (const statement of proofs) statement.run(Number(id))
        }
      })
      return own.filter(({ retired }) => retired === null).map(row => rulesOf(row).selector)
    },
    /** After they were removed. */
    forget(sink: string, series: readonly Series[]): void {
      transaction(() => {
        for (const one of series) coverageSeries.unlink(sink, one)
      })
    },
    /** Plain statements: the transaction is the caller's. */
    within: {
      /** The rules that made the first points of a target. */
      note(target: number, rules: () => readonly FormedRule[]): void {
        if (unknown.get(target) !== undefined) set.run(JSON.stringify(rules()), target)
      },
    },
  }
}

function rulesOf({ selector, rules }: Record<string, unknown>): Pick<TargetRules, 'selector' | 'rules'> {
  return {
    selector: JSON.parse(String(selector)) as Selector,
    rules: rules === null ? undefined : (JSON.parse(String(rules)) as FormedRule[]),
  }
}
