import {
  closeSync,
  fstatSync,
  fsyncSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import type { KeptLetter } from './dead-letters.ts'

export const draftSuffix = '.draft'
export const letterSuffix = '.ndjson'

/** Oldest first. */
export function letterFiles(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter(name => name.endsWith(letterSuffix))
      .sort()
      .map(name => join(folder, name))
  } catch {
    return []
  }
}

/** What takes the place of a file: nothing is changed before `replace`, and then all of it at once. */
export class LetterRemainder {
  readonly #path: string
  readonly #draft: string
  #file: number | undefined

  constructor(path: string) {
    this.#path = path
    this.#draft = `${path}${draftSuffix}`
  }

  keep(letter: KeptLetter): void {
    this.keepLine(Buffer.from(JSON.stringify(letter)))
  }

  /** As it is, byte for byte: what cannot be read may still be mended by a person. */
  keepLine(bytes: Uint8Array): void {
    this.#file ??= openSync(this.#draft, 'w', 0o600)
    writeAll(this.#file, bytes)
    writeAll(this.#file, Buffer.from('\n'))
  }

  /** Durable when it returns. */
  replace(): void {
    if (this.#file === undefined) rmSync(this.#path, { force: true })
    else {
      fsyncSync(this.#file)
      this.#close()
      renameSync(this.#draft, this.#path)
    }
    syncFolder(dirname(this.#path))
  }

  /** Drops what was not put in place; harmless afterwards. */
  close(): void {
    if (this.#file === undefined) return
    this.#close()
    rmSync(this.#draft, { force: true })
  }

  #close(): void {
    if (this.#file !== undefined) closeSync(this.#file)
    this.#file = undefined
  }
}

/** Puts the whole content of an open file at the end of another one; after a line that a crash cut off, on a new line. */
export function appendDurably(from: number, path: string): void {
  const to = openSync(path, 'a+', 0o600)
  try {
    const { size } = fstatSync(to)
    const last = Buffer.alloc(1)
    if (size > 0) readSync(to, last, 0, 1, size - 1)
    if (size > 0 && last.toString() !== '\n') writeAll(to, Buffer.from('\n'))
    append(from, to)
    fsyncSync(to)
  } finally {
    closeSync(to)
  }
  syncFolder(dirname(path))
}

/** In portions: a range may hold millions of bad frames, and memory stays flat (law 6). */
function append(from: number, to: number): void {
  const portion = Buffer.alloc(256 * 1024)
  let at = 0
  for (;;) {
    const read = readSync(from, portion, 0, portion.length, at)
    if (read === 0) return
    writeAll(to, portion.subarray(0, read))
    at += read
  }
}

/** A disk that is nearly full takes a part and says so only by the count. */
export function writeAll(file: number, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written)
}

/** A file's name is durable only when its folder is. */
function syncFolder(folder: string): void {
  const file = openSync(folder, 'r')
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}
