import { closeSync, fsyncSync, mkdirSync, openSync, readdirSync, readSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '../domain/clock.ts'
import { Failure } from '../domain/failure.ts'
import { isoText } from '../domain/instant.ts'
import type { DataLogRequest } from '../domain/request.ts'

/** An entry or point that could not be written, with all that is needed to try again. */
export interface DeadLetter {
  readonly reason: string
  readonly detail: string
  /** The frame as it came, or the point as it was refused. */
  readonly raw: string
}

/** Dead letters of one transfer: kept apart until its `"end"`, so that a repeated request does not repeat them. */
export interface DeadLetterDraft {
  add(letter: DeadLetter): void
  /** Durable when it returns: to be called before the ledger commits (law 5). */
  commit(): void
  /** Drops what was not committed; harmless afterwards. */
  close(): void
}

const draftSuffix = '.draft'

/**
 * `YYYY-MM-DD.ndjson`, a line a letter, readable by the owner only: raw frames may tell more than a log should.
 * A crash between this file and the ledger repeats the request, and so its letters: at least once, never none.
 */
export class DeadLetterBox {
  readonly #folder: string
  readonly #clock: Clock
  #drafts = 0

  constructor(folder: string, clock: Clock) {
    this.#folder = folder
    this.#clock = clock
  }

  draft(request: DataLogRequest): DeadLetterDraft {
    const path = join(this.#folder, `${process.pid}-${this.#drafts++}${draftSuffix}`)
    const { gateway, range } = request
    const context = { gateway, after: isoText(range.after), until: isoText(range.until) }
    let file: number | undefined
    return {
      add: letter =>
        this.#guard(() => {
          if (file === undefined) {
            mkdirSync(this.#folder, { recursive: true, mode: 0o700 })
            file = openSync(path, 'wx+', 0o600)
          }
          writeAll(file, Buffer.from(`${JSON.stringify({ at: isoText(this.#clock.now()), ...context, ...letter })}\n`))
        }),
      commit: () =>
        this.#guard(() => {
          if (file === undefined) return
          const day = openSync(join(this.#folder, `${isoText(this.#clock.now()).slice(0, 10)}.ndjson`), 'a', 0o600)
          try {
            append(file, day)
            fsyncSync(day)
          } finally {
            closeSync(day)
          }
        }),
      close: () => {
        if (file === undefined) return
        closeSync(file)
        file = undefined
        rmSync(path, { force: true })
      },
    }
  }

  /** Removes the drafts of a process that was killed: their requests were not complete and will be asked again. */
  sweep(): void {
    for (const name of this.#names()) if (name.endsWith(draftSuffix)) rmSync(join(this.#folder, name), { force: true })
  }

  #names(): string[] {
    try {
      return readdirSync(this.#folder)
    } catch {
      return []
    }
  }

  #guard(work: () => void): void {
    try {
      work()
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      throw new Failure(`a dead letter cannot be kept: ${message}`, {
        code: 'dead-letters-failed',
        retry: 'never',
        reach: 'run',
        advice: 'Check permissions and free space of its folder. Nothing was recorded as complete.',
        cause: error,
      })
    }
  }
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
function writeAll(file: number, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written)
}
