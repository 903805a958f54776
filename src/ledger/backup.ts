import { existsSync, rmSync } from 'node:fs'
import { nameDurably } from '../durable/write.ts'
import { ledgerFailures } from './failures.ts'
import { ledgerFailure, openLedgerForReading } from './file.ts'

/**
 * Copies a ledger, as it is at one moment, into a new file, which has its name when it is whole and durable. Another process
 * may work with the ledger meanwhile: what stands in its -wal is in the copy too. Throws a Failure.
 */
export function backUpLedger(path: string, copy: string): void {
  if (!existsSync(path)) throw ledgerFailures('ledger-missing', `there is no ledger ${path}`)
  const draft = `${copy}.${process.pid}.draft`
  // opening checks it: a damaged one must not take the place of an older, good copy
  const database = openLedgerForReading(path)
  try {
    database.prepare('VACUUM INTO ?').run(draft)
    openLedgerForReading(draft).close()
    nameDurably(draft, copy)
  } catch (error) {
    rmSync(draft, { force: true })
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST')
      throw ledgerFailures('backup-exists', `${copy} exists already`, { cause: error })
    throw ledgerFailure(error, path)
  } finally {
    database.close()
  }
}
