import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementResultingChanges } from 'node:sqlite'
import { ledgerFailure } from './file.ts'

type Row = Record<string, SQLOutputValue>

export interface Statement {
  get(...values: SQLInputValue[]): Row | undefined
  all(...values: SQLInputValue[]): Row[]
  run(...values: SQLInputValue[]): StatementResultingChanges
}

/** Statements that throw a ledger failure instead of an error of SQLite. */
export interface Statements {
  prepare(sql: string): Statement
}

export type Transaction = (work: () => void) => void

export function guardStatements(database: DatabaseSync, path: string): Statements {
  function guard<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      throw ledgerFailure(error, path)
    }
  }
  return {
    prepare(sql) {
      const statement = guard(() => database.prepare(sql))
      return {
        get: (...values) => guard(() => statement.get(...values)),
        all: (...values) => guard(() => statement.all(...values)),
        run: (...values) => guard(() => statement.run(...values)),
      }
    },
  }
}

/** All of the work, durably, or none of it. `confirm` checks inside the transaction that this process may write. */
export function createTransaction(database: DatabaseSync, path: string, confirm: () => void): Transaction {
  return work => {
    try {
      database.exec('BEGIN IMMEDIATE')
      try {
        confirm()
        work()
        database.exec('COMMIT')
      } catch (error) {
        // a failed COMMIT (disk full) may have rolled back already
        if (database.isTransaction) database.exec('ROLLBACK')
        throw error
      }
    } catch (error) {
      throw ledgerFailure(error, path)
    }
  }
}
