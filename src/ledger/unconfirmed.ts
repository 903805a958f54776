import { RangeSet, type TimeRange } from '../domain/range.ts'
import type { Statements } from './statements.ts'

/**
 * Ranges that a gateway answered with no entry since its list was last read. A gateway answers the same to a name that it
 * does not have: the proof of these ranges rests on the name (law 14). Plain statements: the transaction is the caller's.
 */
export function createUnconfirmed(database: Statements) {
  const held = database.prepare('SELECT after, until FROM unconfirmed WHERE target = ? ORDER BY after')
  const touching = database.prepare(
    'SELECT after, until FROM unconfirmed WHERE target = ? AND until >= ? AND after <= ?',
  )
  const put = database.prepare('INSERT INTO unconfirmed (target, after, until) VALUES (?, ?, ?)')
  const remove = database.prepare('DELETE FROM unconfirmed WHERE target = ? AND after = ?')
  const clear = database.prepare('DELETE FROM unconfirmed WHERE target = ?')

  return {
    of: (target: number): RangeSet => RangeSet.from(held.all(target).map(rangeOf)),
    add(target: number, range: TimeRange): void {
      const met = touching.all(target, range.after, range.until).map(rangeOf)
      for (const { after } of met) remove.run(target, after)
      for (const { after, until } of RangeSet.from([...met, range]).ranges) put.run(target, after, until)
    },
    clear: (target: number): void => void clear.run(target),
  }
}

function rangeOf(row: Record<string, unknown>): TimeRange {
  return { after: Number(row['after']), until: Number(row['until']) }
}
