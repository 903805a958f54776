import { closeSync, openSync, readdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { replaceDurably, syncFolder, writeAll } from '../durable/write.ts'
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
    if (this.#file === undefined) {
      // of a process that was killed; a link would be followed
      rmSync(this.#draft, { force: true })
      this.#file = openSync(this.#draft, 'wx', 0o600)
    }
    writeAll(this.#file, bytes)
    writeAll(this.#file, Buffer.from('\n'))
  }

  /** Durable when it returns. */
  replace(): void {
    if (this.#file === undefined) {
      rmSync(this.#path, { force: true })
      syncFolder(dirname(this.#path))
      return
    }
    const file = this.#file
    this.#file = undefined
    replaceDurably(file, this.#draft, this.#path)
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
