import { type Series, tagsText } from '../domain/point.ts'
import type { Statements } from './statements.ts'

/**
 * Which series the points of a target went to: what is counted in the database when it is compared with a proof. The
 * database itself is not asked, because it would not list a series that has vanished from it. Every method is a plain
 * statement: the transaction is the caller's.
 */
export function createCoverageSeries(database: Statements) {
  const find = database.prepare('SELECT id FROM series WHERE measurement = ? AND tags = ?')
  const insert = database.prepare('INSERT INTO series (measurement, tags) VALUES (?, ?) RETURNING id')
  const link = database.prepare('INSERT OR IGNORE INTO content (target, series) VALUES (?, ?)')
  const held = database.prepare(
    'SELECT measurement, tags FROM content JOIN series ON series.id = content.series WHERE target = ? ORDER BY series.id',
  )
  const some = database.prepare('SELECT 1 FROM content WHERE target = ? LIMIT 1')
  const targets = database.prepare(
    'SELECT target FROM content JOIN series ON series.id = content.series WHERE measurement = ? AND tags = ?',
  )
  const unlink = database.prepare(
    `DELETE FROM content WHERE series IN (SELECT id FROM series WHERE measurement = ? AND tags = ?)
     AND target IN (SELECT id FROM target WHERE sink = ?)`,
  )

  return {
    note(target: number, series: readonly Series[]): void {
      for (const one of series) {
        const key = [one.measurement, tagsText(one)] as const
        const row = find.get(...key) ?? insert.get(...key)
        link.run(target, Number(row!['id']))
      }
    },
    has(target: number): boolean {
      return some.get(target) !== undefined
    },
    of(target: number): Series[] {
      return held.all(target).map(seriesOfRow)
    },
    /** No target of this sink has points in it any more. */
    unlink(sink: string, { measurement, tags }: Series): void {
      unlink.run(measurement, tagsText({ measurement, tags }), sink)
    },
    /** For every sink and gateway. */
    targetsOf(series: Series): number[] {
      return targets.all(series.measurement, tagsText(series)).map(row => Number(row['target']))
    },
  }
}

export type CoverageSeries = ReturnType<typeof createCoverageSeries>

export function seriesOfRow({ measurement, tags }: Record<string, unknown>): Series {
  return {
    measurement: String(measurement),
    tags: new Map(Object.entries(JSON.parse(String(tags)) as Record<string, string>)),
  }
}
