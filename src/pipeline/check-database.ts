import type { DeadLetterBox } from '../dead-letters/dead-letters.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { CheckPurpose, Sink, SinkReport } from '../sinks/sink.ts'
import type { DatabaseWatch } from './database-watch.ts'

/** A disk that is not mounted, a file that was deleted, or a database that is really new: the person knows. */
const otherDatabase =
  'the proof in the ledger is of another database: this one is filled from the start (was a file deleted, or is a disk not mounted?)'

interface CheckParts {
  readonly sink: Sink
  readonly ledger: Ledger
  readonly database: DatabaseWatch
  readonly deadLetters: DeadLetterBox
}

/** Before a verification, which takes nothing back by itself. Throws a Failure where the database does not answer. */
export async function checkSink(parts: CheckParts, signal: AbortSignal, purpose?: CheckPurpose): Promise<SinkReport> {
  const { sink, ledger, database, deadLetters } = parts
  const report = await sink.check(signal, purpose)
  await deadLetters.learn(signal)
  database.learn(report)
  const words = await database.recognise(signal)
  const others = ledger.coverage.provesOthersOnly(sink.id) ? [otherDatabase] : []
  return { ...report, warnings: [...report.warnings, ...words, ...others] }
}

/** Before a run: what the database has lost is taken back. Throws a Failure where it must not be written to. */
export async function checkDatabase(parts: CheckParts, signal: AbortSignal): Promise<SinkReport> {
  const report = await checkSink(parts, signal)
  const { words } = await parts.database.confirm(signal)
  return { ...report, warnings: [...report.warnings, ...words] }
}
