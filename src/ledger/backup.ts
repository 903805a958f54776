import { existsSync, rmSync } from 'node:fs'
import { systemAdvice } from '../domain/system-error.ts'
import { makePrivateFile } from '../durable/private-file.ts'
import { refusalOf } from '../durable/refusal.ts'
import { nameDurably } from '../durable/write.ts'
import { ledgerFailures } from './failures.ts'
import { openLedgerForReading } from './file.ts'

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
    makePrivateFile(draft)
    database.prepare('VACUUM INTO ?').run(draft)
    openLedgerForReading(draft).close()
    nameDurably(draft, copy)
  } catch (error) {
    rmSync(draft, { force: true })
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST')
      throw ledgerFailures('backup-exists', `${copy} exists already`, { cause: error })
    const advice = systemAdvice(refusalOf(copy))
    const message = error instanceof Error ? error.message : String(error)
    throw ledgerFailures('backup-failed', `the backup ${copy} cannot be written: ${message}`, { advice, cause: error })
  } finally {
    database.close()
  }
}
