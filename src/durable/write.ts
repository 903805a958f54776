import { closeSync, existsSync, fsyncSync, linkSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

/** A disk that is nearly full writes a part of the bytes, and only the count shows it. */
export function writeAll(file: number, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written)
}

/** The name of a file is durable only when its folder is. */
export function syncFolder(folder: string): void {
  const file = openSync(folder, 'r')
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

/**
 * Puts a draft, which is open as `file`, in the place of `path`: all of it or nothing, durable when it returns. The draft
 * must be in the same folder. Whether it returns or throws, `file` is closed and no draft is left.
 */
export function replaceDurably(file: number, draft: string, path: string): void {
  try {
    try {
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    renameSync(draft, path)
  } catch (error) {
    rmSync(draft, { force: true })
    throw error
  }
  syncFolder(dirname(path))
}

/**
 * Gives a finished draft its name, durably, where nothing has that name yet. The draft must be in the same folder. Throws an
 * Error with the code EEXIST otherwise, and leaves no draft in any case.
 */
export function nameDurably(draft: string, path: string): void {
  try {
    const file = openSync(draft, 'r+')
    try {
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    link(draft, path)
  } finally {
    rmSync(draft, { force: true })
  }
  syncFolder(dirname(path))
}

/** Not every file system has links: a stick has none. */
function link(draft: string, path: string): void {
  try {
    linkSync(draft, path)
  } catch (error) {
    const isTaken = error instanceof Error && 'code' in error && error.code === 'EEXIST'
    if (isTaken || existsSync(path)) throw error
    renameSync(draft, path)
  }
}
