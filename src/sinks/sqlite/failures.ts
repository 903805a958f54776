import { Failure, type Retry } from '../../domain/failure.ts'

interface Trouble {
  readonly code: string
  readonly retry: Retry
  readonly advice: string
}

/** SQLite's primary result codes (sqlite.org/rescode.html) that a user can do something about. */
const troubles: Readonly<Record<number, Trouble>> = {
  3: { code: 'sink-denied', retry: 'never', advice: 'Let this user read and write the file and its folder.' },
  8: { code: 'sink-denied', retry: 'never', advice: 'Let this user write the file and its folder.' },
  10: { code: 'sink-io', retry: 'later', advice: 'Look at the disk: the system log says more.' },
  11: {
    code: 'sink-damaged',
    retry: 'never',
    advice: 'Move the file away (sqlite3 <file> .recover may save what is in it) and let it be made and filled again.',
  },
  13: { code: 'disk-full', retry: 'later', advice: 'Make room on the disk; the transfer goes on from where it was.' },
  14: { code: 'sink-denied', retry: 'never', advice: 'Let this user write the file and its folder.' },
  26: {
    code: 'sink-foreign',
    retry: 'never',
    advice: 'This file is no SQLite database. It was left as it is: choose another path.',
  },
}

const busy = 5

export function isBusy(error: unknown): boolean {
  return resultCode(error) === busy
}

/** What SQLite reports becomes a Failure of the sink; anything else is a bug and stays what it is. */
export function sqliteFailure(error: unknown, path: string): unknown {
  const trouble = troubles[resultCode(error) ?? -1]
  if (trouble === undefined) return error
  return new Failure(`SQLite ${path}: ${(error as Error).message}`, { ...trouble, reach: 'sink', cause: error })
}

/** The low byte of the extended code that node:sqlite puts on its errors. */
function resultCode(error: unknown): number | undefined {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number'
    ? error.errcode & 0xff
    : undefined
}
