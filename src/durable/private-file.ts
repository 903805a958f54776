import { chmodSync, closeSync, existsSync, fchmodSync, openSync } from 'node:fs'

/** Readable and writable by the user that the program runs as, and by no one else. */
const ownerOnly = 0o600

/**
 * Makes an empty file before a database does, which would let every user of the machine read it. `mode`: who else may; a
 * file that is there already gets it too, and else keeps its own. What cannot be made is left to the database to report;
 * throws where the mode cannot be set.
 */
export function makePrivateFile(path: string, mode?: number | undefined): void {
  try {
    const file = openSync(path, 'wx', ownerOnly)
    // whatever the umask of the process takes away
    fchmodSync(file, mode ?? ownerOnly)
    closeSync(file)
    return
  } catch {
    if (mode === undefined || !existsSync(path)) return
  }
  // SQLite's files beside it are read together with it
  for (const beside of ['', '-wal', '-shm']) if (existsSync(path + beside)) chmodSync(path + beside, mode)
}
