import type { SQLOutputValue } from 'node:sqlite'
import type { Failure } from '../domain/failure.ts'
import { RangeSet, type TimeRange } from '../domain/range.ts'
import type { Statements } from './statements.ts'

export interface ParkedRange {
  readonly range: TimeRange
  readonly code: string
  readonly reason: string
  readonly at: number
  readonly tries: number
}

/** The rows of `parked`: they never overlap. Every method is a plain statement: the transaction is the caller's. */
export function createParked(database: Statements) {
  const touching = database.prepare('SELECT * FROM parked WHERE target = ? AND until > ? AND after < ?')
  const remove = database.prepare('DELETE FROM parked WHERE target = ? AND after = ? AND until = ?')
  const insert = database.prepare(
    'INSERT INTO parked (target, after, until, code, reason, at, tries) VALUES (?, ?, ?, ?, ?, ?, ?)',
  )
  const held = database.prepare(
    'SELECT after, until, code, reason, at, tries FROM parked WHERE target = ? ORDER BY after',
  )

  function put(target: number, { after, until }: TimeRange, row: Record<string, SQLOutputValue>): void {
    insert.run(target, after, until, row['code']!, row['reason']!, row['at']!, row['tries']!)
  }

  /** Takes out the rows that a range overlaps, and puts back what `keep` leaves of each. Returns the rows it met. */
  function cut(target: number, range: TimeRange, keep: (row: TimeRange) => readonly TimeRange[]) {
    const met = touching.all(target, range.after, range.until)
    for (const row of met) {
      const it = rangeOf(row)
      remove.run(target, it.after, it.until)
      for (const rest of keep(it)) put(target, rest, row)
    }
    return met
  }

  return {
    of(target: number): ParkedRange[] {
      return held.all(target).map(row => ({
        range: rangeOf(row),
        code: String(row['code']),
        reason: String(row['reason']),
        at: Number(row['at']),
        tries: Number(row['tries']),
      }))
    },
    /** In place of what was parked there; its tries are counted on. */
    park(target: number, range: TimeRange, { code, message }: Failure, at: number, tries: number): void {
      const earlier = cut(target, range, row => RangeSet.of(row).subtract(range).ranges)
      const before = Math.max(0, ...earlier.map(row => Number(row['tries'])))
      put(target, range, { code, reason: message, at, tries: before + tries })
    },
    /** Of what a range overlaps only the parts stay that are not covered. */
    unpark(target: number, range: TimeRange, covered: () => RangeSet): void {
      if (touching.get(target, range.after, range.until) === undefined) return
      const known = covered()
      cut(target, range, row => known.gaps(row))
    },
  }
}

function rangeOf(row: Record<string, SQLOutputValue>): TimeRange {
  return { after: Number(row['after']), until: Number(row['until']) }
}
