import { closeSync, openSync, readSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type Selector, selectorKey } from '../domain/datapoint.ts'
import { Failure } from '../domain/failure.ts'
import { systemAdvice } from '../domain/system-error.ts'
import { makeFolder } from '../durable/folder.ts'
import { makePrivateFile } from '../durable/private-file.ts'
import { openReadOnly } from '../durable/read-only-database.ts'
import { refusalOf } from '../durable/refusal.ts'
import { sqliteCode } from '../durable/sqlite-code.ts'
import { ledgerFailures } from './failures.ts'
import { applicationId, migrations } from './schema.ts'

/** Waits for another process's short transaction instead of failing. */
const busyTimeoutMs = 10_000

/**
 * Opens or creates the ledger's file: WAL with `synchronous=FULL`, so that a commit survives a power cut (law 2).
 * A file of something else, a newer version or a damaged one is refused and left as it is.
 */
export function openLedgerFile(path: string): DatabaseSync {
  return open(path, false, database => {
    database.exec('BEGIN IMMEDIATE')
    if (!isEmpty(database)) assertOurs(database, path)
    for (const step of migrations.slice(pragma(database, 'user_version'))) database.exec(step)
    database.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${migrations.length}`)
    database.exec('COMMIT; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON')
  })
}

/**
 * The same refusals; the file must exist. One that another process is just creating is still an empty ledger. One of an
 * older program is brought up to date first, which needs writing.
 */
export function openLedgerForReading(path: string): DatabaseSync {
  let isEmptyYet = false
  const database = open(path, true, it => {
    isEmptyYet = isEmpty(it)
    if (!isEmptyYet) assertOurs(it, path)
  })
  if (!isEmptyYet && pragma(database, 'user_version') === migrations.length) return database
  database.close()
  return openLedgerFile(isEmptyYet ? ':memory:' : path)
}

function open(path: string, readOnly: boolean, prepare: (database: DatabaseSync) => void): DatabaseSync {
  let database: DatabaseSync | undefined
  try {
    if (path !== ':memory:' && !readOnly) {
      makeFolder(dirname(path))
      makePrivateFile(path)
    }
    database = readOnly ? openReadOnly(path, busyTimeoutMs) : new DatabaseSync(path, { timeout: busyTimeoutMs })
    prepare(database)
    return database
  } catch (error) {
    database?.close()
    const code = sqliteCode(error)
    // the tables are not those of its version, or its header names a format that SQLite does not have
    if (code === sqliteError || (code === readOnlyCode && isOddFormat(path)))
      throw damaged(path, (error as Error).message, error)
    throw ledgerFailure(error, path)
  }
}

/** Versions that no later release has come to. */
const mostVersions = 100

function assertOurs(database: DatabaseSync, path: string): void {
  const version = pragma(database, 'user_version')
  if (pragma(database, 'application_id') !== applicationId) {
    if (hasOurTables(database)) throw damaged(path, 'its header is not that of a ledger')
    throw ledgerFailures('ledger-foreign', `${path} is not a ledger of smartserver-etl`)
  }
  const damage = version > mostVersions ? `its version is ${version}` : damageOf(database)
  if (damage !== undefined) throw damaged(path, damage)
  if (version > migrations.length)
    throw ledgerFailures(
      'ledger-newer',
      `${path} was written by a newer smartserver-etl (ledger version ${version}, this one knows ${migrations.length})`,
    )
}

function hasOurTables(database: DatabaseSync): boolean {
  const names = "('target', 'coverage', 'receipt', 'owner')"
  const row = database.prepare(`SELECT count(*) AS found FROM sqlite_master WHERE name IN ${names}`).get()
  return row?.['found'] === 4
}

function damaged(path: string, what: string, cause?: unknown): Failure {
  return ledgerFailures('ledger-damaged', `the ledger ${path} is damaged: ${what}`, { cause })
}

/** Any trouble of the ledger stops the run: without it nothing can be proven. */
export function ledgerFailure(error: unknown, path: string): Failure {
  if (error instanceof Failure) return error
  const message = error instanceof Error ? error.message : String(error)
  const code = sqliteCode(error)
  if (code === corrupt || code === notADatabase) return damaged(path, message, error)
  const refusal = code === undefined ? error : refusalOf(path)
  const why = refusal instanceof Error && refusal !== error ? `${message} (${refusal.message})` : message
  const advice = systemAdvice(refusal) ?? (isTemporary(error) ? temporaryAdvice : undefined)
  return ledgerFailures('ledger-failed', `the ledger ${path} cannot be used: ${why}`, { advice, cause: error })
}

/** SQLite found no folder for a temporary file. */
function isTemporary(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === ioErrorTemporaryPath
}

const ioErrorTemporaryPath = 6_410
const temporaryAdvice = 'No folder for temporary files can be written: name one in TMPDIR.'

/** Primary result codes of SQLite. */
const sqliteError = 1
const readOnlyCode = 8
const corrupt = 11
const notADatabase = 26

/** Of which SQLite says that it may only be read. */
function isOddFormat(path: string): boolean {
  const file = openSync(path, 'r')
  const format = Buffer.alloc(1)
  try {
    return readSync(file, format, 0, 1, writeFormatAt) === 1 && format[0]! > 2
  } finally {
    closeSync(file)
  }
}

/** Of the file's header: 1 rollback journal, 2 WAL. */
const writeFormatAt = 18

function pragma(database: DatabaseSync, name: string): number {
  return Number(Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0])
}

function isEmpty(database: DatabaseSync): boolean {
  return database.prepare('SELECT 1 FROM sqlite_master LIMIT 1').get() === undefined
}

/** All of it is checked, in a tenth of a second: ten years of a large site are smaller. */
const wholeMost = 32 * 1024 * 1024
/** Of a larger one the structure alone, without the indexes; of the largest only what is read anyway. */
const quickMost = 256 * 1024 * 1024

/** What is wrong with a ledger, as SQLite says it; undefined where nothing is. A bit that turned within a number stays unseen. */
function damageOf(database: DatabaseSync): string | undefined {
  const size = numberOf(database, 'PRAGMA page_count') * numberOf(database, 'PRAGMA page_size')
  if (size > quickMost) return undefined
  const check = size > wholeMost ? 'quick_check' : 'integrity_check'
  const [found] = Object.values(database.prepare(`PRAGMA ${check}(1)`).get() ?? {})
  if (found !== 'ok') return String(found).replace(/^\*\*\* in database main \*\*\*\n/, '')
  for (const { id, key, selector } of database.prepare('SELECT id, key, selector FROM target').iterate()) {
    const its = keyOf(String(selector))
    // the key of a target that was retired ends with its id
    if (key !== its && key !== `${its}\n${id}`) return 'a selector is not that of its key'
  }
  return undefined
}

function keyOf(json: string): string | undefined {
  try {
    return selectorKey(JSON.parse(json) as Selector)
  } catch {
    return undefined
  }
}

function numberOf(database: DatabaseSync, sql: string): number {
  return Number(Object.values(database.prepare(sql).get() ?? {})[0])
}
