import { systemAdvice } from '../../domain/system-error.ts'
import { refusalOf } from '../../durable/refusal.ts'
import { sqliteCode } from '../../durable/sqlite-code.ts'
import { sinkFailure } from '../failures.ts'

type Trouble = readonly [code: Parameters<typeof sinkFailure>[0], advice?: string]

/** SQLite's primary result codes (sqlite.org/rescode.html) that a user can do something about. */
const troubles: Readonly<Record<number, Trouble>> = {
  3: ['sink-denied'],
  8: ['sink-denied', 'Let this user write the file and its folder.'],
  10: ['sink-io'],
  11: ['sink-damaged'],
  13: ['disk-full'],
  14: ['sink-denied', 'Let this user write the file and its folder.'],
  26: ['sink-foreign', 'This file is no SQLite database. It was left as it is: choose another path.'],
}

const busy = 5
const cannotOpen: ReadonlySet<number | undefined> = new Set([8, 14])

export function isBusy(error: unknown): boolean {
  return sqliteCode(error) === busy
}

/** What SQLite reports becomes a Failure of the sink; anything else is a bug and stays what it is. */
export function sqliteFailure(error: unknown, path: string): unknown {
  const trouble = troubles[sqliteCode(error) ?? -1]
  if (trouble === undefined) return error
  const [code, advice] = trouble
  const refusal = cannotOpen.has(sqliteCode(error)) ? refusalOf(path) : undefined
  const why = refusal === undefined ? '' : ` (${refusal.message})`
  return sinkFailure(code, `SQLite ${path}: ${(error as Error).message}${why}`, {
    advice: systemAdvice(refusal) ?? advice,
    cause: error,
  })
}
