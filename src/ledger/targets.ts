import type { DatabaseSync } from 'node:sqlite'
import { type Coverage, joinCoverage, noCoverage } from '../domain/coverage.ts'
import { type Selector, selectorContains, selectorKey } from '../domain/datapoint.ts'
import { RangeSet, type TimeRange } from '../domain/range.ts'

/** The sink and gateway that coverage belongs to. */
export interface Place {
  readonly sink: string
  readonly gateway: string
}

/** The rows of `target` and `coverage`. Every method is a plain statement: the transaction is the caller's. */
export function createTargets(database: DatabaseSync) {
  const find = database.prepare('SELECT id FROM target WHERE sink = ? AND gateway = ? AND key = ?')
  const insert = database.prepare('INSERT INTO target (sink, gateway, key, selector) VALUES (?, ?, ?, ?)')
  const all = database.prepare('SELECT id, selector FROM target WHERE sink = ? AND gateway = ?')
  const held = database.prepare('SELECT after, until FROM coverage WHERE target = ? AND final = ? ORDER BY after')
  const touching = database.prepare(
    'SELECT after, until FROM coverage WHERE target = ? AND final = ? AND until >= ? AND after <= ? ORDER BY after',
  )
  const remove = database.prepare('DELETE FROM coverage WHERE target = ? AND final = ? AND after = ?')
  const put = database.prepare('INSERT INTO coverage (target, final, after, until) VALUES (?, ?, ?, ?)')

  function idOf({ sink, gateway }: Place, selector: Selector): number {
    const key = selectorKey(selector)
    const row = find.get(sink, gateway, key)
    if (row !== undefined) return Number(row['id'])
    return Number(insert.run(sink, gateway, key, JSON.stringify(selector)).lastInsertRowid)
  }

  /** Rewrites only the ranges that touch the given one: the cost does not follow the size of the coverage. */
  function change(target: number, final: 0 | 1, range: TimeRange, changed: (near: RangeSet) => RangeSet): void {
    const near = touching.all(target, final, range.after, range.until).map(rangeOf)
    for (const { after } of near) remove.run(target, final, after)
    for (const { after, until } of changed(RangeSet.of(...near)).ranges) put.run(target, final, after, until)
  }

  function coverageOf(target: number): Coverage {
    return {
      final: RangeSet.of(...held.all(target, 1).map(rangeOf)),
      provisional: RangeSet.of(...held.all(target, 0).map(rangeOf)),
    }
  }

  return {
    idOf,
    /** Final or provisional, of this target alone. */
    coveredBy(target: number): RangeSet {
      const { final, provisional } = coverageOf(target)
      return final.add(provisional)
    },
    cover(target: number, range: TimeRange, provisional: boolean): void {
      // final stays final: a later look that came too early proves nothing less
      if (provisional) {
        const news = RangeSet.of(range).subtract(coverageOf(target).final)
        for (const part of news.ranges) change(target, 0, part, near => near.add(part))
        return
      }
      change(target, 1, range, near => near.add(range))
      change(target, 0, range, near => near.subtract(range))
    },
    /** Coverage of several selectors at once: what a wider selector has covered counts for the narrower one. */
    coverage(place: Place, selectors: readonly Selector[]): Map<Selector, Coverage> {
      const known = all.all(place.sink, place.gateway).map(row => ({
        id: Number(row['id']),
        selector: JSON.parse(String(row['selector'])) as Selector,
      }))
      const byKey = new Map(known.map(target => [selectorKey(target.selector), target]))
      const wide = known.filter(({ selector }) => isWide(selector))
      return new Map(
        selectors.map(selector => {
          const own = byKey.get(selectorKey(selector))
          const others = wide.filter(other => other !== own && selectorContains(other.selector, selector))
          const sources = own === undefined ? others : [own, ...others]
          return [selector, sources.map(source => coverageOf(source.id)).reduce(joinCoverage, noCoverage)]
        }),
      )
    },
  }
}

export type Targets = ReturnType<typeof createTargets>

function isWide({ device, block, index, point }: Selector): boolean {
  return device === undefined || block === undefined || index === undefined || point === undefined
}

function rangeOf(row: Record<string, unknown>): TimeRange {
  return { after: Number(row['after']), until: Number(row['until']) }
}
