import type { DatabaseSync } from 'node:sqlite'
import { type Series, tagsText } from '../../domain/point.ts'

/** The row of each line of values: series and field. Looked up once a run, then from memory. */
interface SeriesIds {
  idOf(series: Series, field: string): number
  /** After a rollback: rows that were made in that transaction are gone. */
  forget(): void
}

export function createSeriesIds(database: DatabaseSync): SeriesIds {
  const find = database.prepare('SELECT id FROM series WHERE measurement = ? AND field = ? AND tags = ?')
  const add = database.prepare('INSERT INTO series (measurement, field, tags) VALUES (?, ?, ?) RETURNING id')
  let known = new WeakMap<Series, Map<string, number>>()

  function lookUp(series: Series, field: string): number {
    const key = [series.measurement, field, tagsText(series)] as const
    const row = find.get(...key) ?? add.get(...key)
    return row!['id'] as number
  }

  return {
    idOf(series, field) {
      let ids = known.get(series)
      if (ids === undefined) {
        ids = new Map()
        known.set(series, ids)
      }
      let id = ids.get(field)
      if (id === undefined) {
        id = lookUp(series, field)
        ids.set(field, id)
      }
      return id
    },
    forget() {
      known = new WeakMap()
    },
  }
}
