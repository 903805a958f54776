import { accessSync, constants, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { sqliteCode } from './sqlite-code.ts'

const cannotOpen = 14

/**
 * Opens an SQLite file that exists, without changing anything. To read a file in WAL mode SQLite makes a file beside it:
 * where that cannot be, on a read-only disk, the file is opened as one that does not change, which holds as long as no
 * other process has it open.
 */
export function openReadOnly(path: string, timeoutMs?: number): DatabaseSync {
  const options = { readOnly: true, ...(timeoutMs === undefined ? {} : { timeout: timeoutMs }) }
  const database = new DatabaseSync(path, options)
  try {
    database.prepare('SELECT count(*) FROM sqlite_schema').get()
    return database
  } catch (error) {
    if (sqliteCode(error) !== cannotOpen || !isAlone(path)) {
      database.close()
      throw error
    }
  }
  database.close()
  const url = pathToFileURL(resolve(path))
  url.search = '?immutable=1'
  return new DatabaseSync(url, options)
}

/** In a folder that cannot be written, and without a WAL, which would hold what is newest. */
function isAlone(path: string): boolean {
  try {
    accessSync(dirname(path), constants.W_OK)
    return false
  } catch {
    return (statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) === 0
  }
}
