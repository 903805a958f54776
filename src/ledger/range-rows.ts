import { RangeSet, type TimeRange } from '../domain/range.ts'
import type { Statements } from './statements.ts'

/** Ranges by a key of whole numbers, joined where they touch. Every method is a plain statement: the transaction is the caller's. */
interface RangeRows {
  of(...key: number[]): RangeSet
  add(range: TimeRange, ...key: number[]): void
  clear(...key: number[]): void
}

export function createRangeRows(database: Statements, table: string, keys: readonly string[]): RangeRows {
  const isKey = keys.map(key => `${key} = ?`).join(' AND ')
  const held = database.prepare(`SELECT after, until FROM ${table} WHERE ${isKey} ORDER BY after`)
  const touching = database.prepare(`SELECT after, until FROM ${table} WHERE ${isKey} AND until >= ? AND after <= ?`)
  const put = database.prepare(
    `INSERT INTO ${table} (${keys.join(', ')}, after, until) VALUES (${keys.map(() => '?').join(', ')}, ?, ?)`,
  )
  const remove = database.prepare(`DELETE FROM ${table} WHERE ${isKey} AND after = ?`)
  const clear = database.prepare(`DELETE FROM ${table} WHERE ${isKey}`)
  return {
    of: (...key) => RangeSet.from(held.all(...key).map(rangeOf)),
    add(range, ...key) {
      const met = touching.all(...key, range.after, range.until).map(rangeOf)
      for (const { after } of met) remove.run(...key, after)
      for (const { after, until } of RangeSet.from([...met, range]).ranges) put.run(...key, after, until)
    },
    clear: (...key) => void clear.run(...key),
  }
}

function rangeOf(row: Record<string, unknown>): TimeRange {
  return { after: Number(row['after']), until: Number(row['until']) }
}
