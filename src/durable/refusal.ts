import { accessSync, closeSync, constants, existsSync, openSync } from 'node:fs'
import { dirname } from 'node:path'

/** SQLite opens a file with its -wal and -shm, and the folder. */
const filesAtOnce = 4

/** What the operating system says to who wants to use a file, since SQLite says only that it cannot; undefined: nothing. */
export function refusalOf(path: string): Error | undefined {
  const opened: number[] = []
  try {
    while (opened.length < filesAtOnce) opened.push(openSync(dirname(path), 'r'))
    accessSync(dirname(path), constants.W_OK)
    if (existsSync(path)) accessSync(path, constants.R_OK | constants.W_OK)
    return undefined
  } catch (error) {
    return error as Error
  } finally {
    for (const file of opened) closeSync(file)
  }
}
