import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Failure } from '../domain/failure.ts'

/** "SETL": tells our ledger from any other SQLite file. */
const applicationId = 0x5345544c
const schemaVersion = 1
/** Waits for another process's short transaction instead of failing. */
const busyTimeoutMs = 10_000

const schema = `
-- one row a datapoint (or wildcard) of a gateway and a sink
CREATE TABLE target (
  id       INTEGER PRIMARY KEY,
  sink     TEXT NOT NULL,
  gateway  TEXT NOT NULL,
  key      TEXT NOT NULL,   -- the selector's key
  selector TEXT NOT NULL,   -- the selector as JSON
  UNIQUE (sink, gateway, key)
) STRICT;
-- ranges (after, until] in ms UTC that are proven complete: disjoint, merged where they touch
CREATE TABLE coverage (
  target INTEGER NOT NULL REFERENCES target,
  final  INTEGER NOT NULL,  -- 1 final, 0 provisional
  after  INTEGER NOT NULL,
  until  INTEGER NOT NULL,
  PRIMARY KEY (target, final, after),
  CHECK (after < until)
) STRICT, WITHOUT ROWID;
-- smallest ranges that failed again and again: listed, tried again, never forgotten
CREATE TABLE parked (
  target INTEGER NOT NULL REFERENCES target,
  after  INTEGER NOT NULL,
  until  INTEGER NOT NULL,
  code   TEXT NOT NULL,
  reason TEXT NOT NULL,
  at     INTEGER NOT NULL,  -- ms UTC of the last try
  tries  INTEGER NOT NULL,
  PRIMARY KEY (target, after, until)
) STRICT, WITHOUT ROWID;
-- what became of the entries of each transfer; the newest few thousand
CREATE TABLE receipt (
  id          INTEGER PRIMARY KEY,
  at          INTEGER NOT NULL,
  sink        TEXT NOT NULL,
  gateway     TEXT NOT NULL,
  selectors   TEXT NOT NULL,
  after       INTEGER NOT NULL,
  until       INTEGER NOT NULL,
  provisional INTEGER NOT NULL,
  counts      TEXT NOT NULL  -- JSON: received, outside, duplicate, collapsed, empty, written, rejected, bytes, tookMs
) STRICT;
-- how long the ranges of a group's requests may be
CREATE TABLE window (
  gateway TEXT NOT NULL,
  grp     TEXT NOT NULL,
  ms      INTEGER NOT NULL,
  PRIMARY KEY (gateway, grp)
) STRICT, WITHOUT ROWID;
-- the process that may write; at most one row
CREATE TABLE owner (
  one       INTEGER PRIMARY KEY CHECK (one = 1),
  token     TEXT NOT NULL,
  pid       INTEGER NOT NULL,
  host      TEXT NOT NULL,
  doing     TEXT NOT NULL,
  heartbeat INTEGER NOT NULL
) STRICT;
`

/**
 * Opens or creates the ledger's file: WAL with `synchronous=FULL`, so that a commit survives a power cut (law 2).
 * A file of something else, a newer version or a damaged one is refused and left as it is.
 */
export function openLedgerFile(path: string): DatabaseSync {
  return open(path, false, database => {
    database.exec('BEGIN IMMEDIATE')
    if (isEmpty(database))
      database.exec(`${schema}PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${schemaVersion};`)
    else assertOurs(database, path)
    database.exec('COMMIT; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON')
  })
}

/** The same refusals; the file must exist. */
export function openLedgerForReading(path: string): DatabaseSync {
  return open(path, true, database => assertOurs(database, path))
}

function open(path: string, readOnly: boolean, prepare: (database: DatabaseSync) => void): DatabaseSync {
  let database: DatabaseSync | undefined
  try {
    if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true })
    database = new DatabaseSync(path, { readOnly, timeout: busyTimeoutMs })
    prepare(database)
    return database
  } catch (error) {
    database?.close()
    throw ledgerFailure(error, path)
  }
}

function assertOurs(database: DatabaseSync, path: string): void {
  const version = pragma(database, 'user_version')
  if (pragma(database, 'application_id') !== applicationId)
    throw refused(
      `${path} is not a ledger of smartserver-etl`,
      'ledger-foreign',
      'Name another file under "ledger" in the configuration.',
    )
  if (version > schemaVersion)
    throw refused(
      `${path} was written by a newer smartserver-etl (ledger version ${version}, this one knows ${schemaVersion})`,
      'ledger-newer',
      'Use the newer program again.',
    )
}

/** Any trouble of the ledger stops the run: without it nothing can be proven. */
export function ledgerFailure(error: unknown, path: string): Failure {
  if (error instanceof Failure) return error
  const message = error instanceof Error ? error.message : String(error)
  const damaged = /malformed|not a database/.test(message)
  return new Failure(`the ledger ${path} cannot be used: ${message}`, {
    code: damaged ? 'ledger-damaged' : 'ledger-failed',
    retry: 'never',
    reach: 'run',
    advice: damaged
      ? 'Put a backup in its place, or move the file away: the work then starts anew, and writing twice changes nothing.'
      : 'Check the folder, its permissions and the free space; nothing that was recorded is lost.',
    cause: error,
  })
}

function refused(message: string, code: string, advice: string): Failure {
  return new Failure(message, { code, retry: 'never', reach: 'run', advice })
}

function pragma(database: DatabaseSync, name: string): number {
  return Number(Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0])
}

function isEmpty(database: DatabaseSync): boolean {
  return database.prepare('SELECT 1 FROM sqlite_master LIMIT 1').get() === undefined
}
