import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
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
