import type { DeadLetterBox } from '../dead-letters/dead-letters.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { CheckPurpose, Sink, SinkReport } from '../sinks/sink.ts'

/** A disk that is not mounted, a file that was deleted, or a database that is really new: the person knows. */
const otherDatabase =
  'the proof in the ledger is of another database: this one is filled from the start (was a file deleted, or is a disk not mounted?)'

/** Before a run. Throws a Failure where the database does not answer, or must not be written to. */
export async function checkDatabase(
  { sink, ledger, deadLetters }: { readonly sink: Sink; readonly ledger: Ledger; readonly deadLetters: DeadLetterBox },
  signal: AbortSignal,
  purpose?: CheckPurpose,
): Promise<SinkReport> {
  const report = await sink.check(signal, purpose)
  await deadLetters.learn(signal)
  if (!ledger.coverage.provesOthersOnly(sink.id)) return report
  return { ...report, warnings: [...report.warnings, otherDatabase] }
}
