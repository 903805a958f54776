import { randomUUID } from 'node:crypto'
import { type BigIntStats, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Failure } from '../../domain/failure.ts'
import { systemAdvice } from '../../domain/system-error.ts'
import { makeFolder } from '../../durable/folder.ts'
import { makePrivateFile } from '../../durable/private-file.ts'
import { openReadOnly } from '../../durable/read-only-database.ts'
import { sinkFailure } from '../failures.ts'
import { applicationId, schemaStatements, schemaVersion, seriesIndex } from './schema.ts'
import { sqliteFailure } from './sqlite-errors.ts'

/** How long SQLite itself waits for another writer; it blocks the event loop meanwhile, so that we do the rest of the waiting. */
const busyTimeoutMs = 20

/**
 * Opens the file, or makes it with its parent folder; `mode`: who may read it. Throws a Failure of reach `sink` for a file that is not ours,
 * is damaged or from a later release: it is left as it is.
 */
export async function openFile(path: string, mode: number | undefined): Promise<DatabaseSync> {
  let database: DatabaseSync | undefined
  try {
    makeFolder(dirname(path))
    makePrivateFile(path, mode)
    database = new DatabaseSync(path, { timeout: busyTimeoutMs })
    prepare(database, path)
    return database
  } catch (error) {
    database?.close()
    throw openFailure(error, path)
  }
}

/** The id of a file that is there; undefined for an empty one. Changes nothing. Throws as `openFile` does. */
export function readSinkId(path: string): string | undefined {
  let database: DatabaseSync | undefined
  try {
    database = openReadOnly(path)
    return isOursOrEmpty(database, path) ? sinkId(database) : undefined
  } catch (error) {
    throw openFailure(error, path)
  } finally {
    database?.close()
  }
}

/** False for an empty one. */
function isOursOrEmpty(database: DatabaseSync, path: string): boolean {
  if (database.prepare('SELECT count(*) AS tables FROM sqlite_schema').get()!['tables'] === 0) return false
  const version = pragma(database, 'user_version')
  if (pragma(database, 'application_id') !== applicationId) throw foreign(path)
  if (version !== schemaVersion) throw otherRelease(path, version)
  return true
}

function prepare(database: DatabaseSync, path: string): void {
  const isEmpty = !isOursOrEmpty(database, path)
  // FULL: what was acknowledged survives a power cut (law 2). Readers are never in the way of a writer in WAL mode, nor it in theirs.
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864')
  if (!isEmpty) {
    database.exec(seriesIndex)
    return
  }
  database.exec('BEGIN IMMEDIATE')
  for (const statement of [...schemaStatements, seriesIndex]) database.exec(statement)
  database.prepare('INSERT INTO file (id) VALUES (?)').run(randomUUID())
  database.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${schemaVersion}; COMMIT`)
}

/**
 * Throws a Failure as soon as the path leads to another file than the open one, or to none: SQLite goes on writing to the
 * file that was removed or moved, and acknowledges it.
 */
export function createPlaceCheck(database: DatabaseSync, path: string, label: string): () => void {
  const opened = fileAt(path)
  return () => {
    const now = fileAt(path)
    if (now !== undefined && now.dev === opened?.dev && now.ino === opened.ino) return
    // what is left in the WAL belongs to the file that is gone, and would be taken for a part of the new one
    if (database.isOpen && !database.isTransaction) database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    const what = now === undefined ? 'was removed or moved' : 'was replaced by another file'
    throw sinkFailure('sink-replaced', `${label}: the file ${what} while it was open`)
  }
}

function fileAt(path: string): BigIntStats | undefined {
  return statSync(path, { bigint: true, throwIfNoEntry: false })
}

/** Names the file for good, whatever its path. */
export function sinkId(database: DatabaseSync): string {
  return `sqlite:${String(database.prepare('SELECT id FROM file').get()!['id'])}`
}

function pragma(database: DatabaseSync, name: 'application_id' | 'user_version'): unknown {
  return database.prepare(`PRAGMA ${name}`).get()![name]
}

function foreign(path: string): Failure {
  return sinkFailure(
    'sink-foreign',
    `SQLite ${path}: this file was not created by smartserver-etl; it has not been changed`,
  )
}

function otherRelease(path: string, version: unknown): Failure {
  return sinkFailure(
    'sink-version',
    `SQLite ${path}: the file has schema ${version}, this release knows ${schemaVersion}`,
    {
      advice: 'Use the release that wrote it or a later one, or choose another path.',
    },
  )
}

function openFailure(error: unknown, path: string): unknown {
  const advice = systemAdvice(error)
  if (advice === undefined) return sqliteFailure(error, path)
  return sinkFailure('sink-denied', `SQLite ${path}: ${(error as Error).message}`, { advice, cause: error })
}
