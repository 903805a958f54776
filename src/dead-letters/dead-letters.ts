import { createHash } from 'node:crypto'
import { closeSync, openSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { DeadLettersConfig } from '../config/config.ts'
import type { Clock } from '../domain/clock.ts'
import { type Selector, selectorKey } from '../domain/datapoint.ts'
import { Failure, isAbort } from '../domain/failure.ts'
import { isoText } from '../domain/instant.ts'
import { rangeJson, type TimeRange } from '../domain/range.ts'
import type { DataLogRequest } from '../domain/request.ts'
import { systemAdvice } from '../domain/system-error.ts'
import { appendDurably, portionsOf } from '../durable/append.ts'
import { makeFolder } from '../durable/folder.ts'
import { sqliteCode } from '../durable/sqlite-code.ts'
import { writeAll } from '../durable/write.ts'
import { deadLetterFailure } from './failures.ts'
import { draftSuffix, letterFiles, letterSuffix } from './letter-files.ts'
import { joinLetterCounts, type LetterCount, type LetterIndex, openLetterIndex } from './letter-index.ts'

/** An entry or point that could not be written, with all that is needed to try again. */
export interface DeadLetter {
  readonly reason: string
  readonly detail: string
  /** `device/block/index/datapoint`, where it is known. */
  readonly datapoint?: string
  /** The frame as it came … */
  readonly raw?: string
  /** … or, where no single frame gave it, the point as it was refused. */
  readonly point?: object
  /** So many entries, where none of them is known; undefined: one. */
  readonly entries?: number
  /** True: the database has taken some of its fields, and so holds a point of this series and time. */
  readonly partly?: boolean
}

/** Dead letters of one transfer: kept apart until its `"end"`, so that a repeated request does not repeat them. */
export interface DeadLetterDraft {
  add(letter: DeadLetter): void
  /** Durable when it returns: to be called before the ledger commits (law 5). */
  commit(): void
  /** Drops what was not committed; harmless afterwards. */
  close(): void
}

/** What stands around a letter in its file. */
export interface KeptLetter extends DeadLetter {
  /** When it was written, ISO 8601. */
  readonly at: string
  readonly gateway: string
  /** The range of the request that brought it, ISO 8601. */
  readonly after: string
  readonly until: string
  /** Of which selectors, where the datapoint is not known: the same nonsense in the answer to another is another letter. */
  readonly asked?: string
  /** A person has given it up: when, ISO 8601, and why. */
  readonly discarded?: { readonly at: string; readonly reason: string }
}

/**
 * `YYYY-MM-DD.ndjson`, a line a letter, readable by the owner only: raw frames may hold more than a log should.
 * A letter that is here already is not kept again when its range is: after a re-read, after a crash between this file
 * and the ledger, after a range was taken back. At least once, never none.
 * Each gateway has a share. One whose share is full is given up: without a letter nothing may be rejected (law 5), and the
 * others need theirs (law 15).
 */
export class DeadLetterBox {
  readonly #folder: string
  readonly #maxSize: number
  readonly #clock: Clock
  #index: LetterIndex | undefined
  #drafts = 0
  /** Bytes of the letters of each gateway, committed or not; of none until its first one. */
  readonly #sizes = new Map<string, number>()

  constructor({ path, maxSize }: DeadLettersConfig, clock: Clock) {
    this.#folder = path
    this.#maxSize = maxSize
    this.#clock = clock
  }

  draft(request: DataLogRequest): DeadLetterDraft {
    const path = join(this.#folder, `${process.pid}-${this.#drafts++}${draftSuffix}`)
    const { gateway, range } = request
    const context = { gateway, ...rangeJson(range) }
    const asked = askedText(request.selectors)
    let isKnown: ((letter: KeptLetter) => boolean) | undefined
    let file: number | undefined
    let size = 0
    let isCommitted = false
    return {
      add: letter =>
        this.#guard(() => {
          const kept: KeptLetter = {
            at: isoText(this.#clock.now()),
            ...context,
            ...(letter.datapoint === undefined ? { asked } : {}),
            ...letter,
          }
          // before the index, which has its own file there
          if (isKnown === undefined) makeFolder(this.#folder, 0o700)
          isKnown ??= this.#openIndex().look()
          if (isKnown(kept)) return
          const line = Buffer.from(`${JSON.stringify(kept)}\n`)
          this.#makeRoom(gateway, line.length)
          size += line.length
          file ??= openSync(path, 'wx+', 0o600)
          writeAll(file, line)
        }),
      commit: () =>
        this.#guard(() => {
          if (file === undefined) return
          const day = join(this.#folder, `${isoText(this.#clock.now()).slice(0, 10)}${letterSuffix}`)
          appendDurably(day, portionsOf(file), 'keep')
          isCommitted = true
        }),
      close: () => {
        if (file === undefined) return
        closeSync(file)
        file = undefined
        if (!isCommitted) this.#sizes.set(gateway, (this.#sizes.get(gateway) ?? size) - size)
        rmSync(path, { force: true })
      },
    }
  }

  #makeRoom(gateway: string, bytes: number): void {
    const size = (this.#sizes.get(gateway) ?? this.#openIndex().bytesOf(gateway)) + bytes
    if (size > this.#maxSize)
      throw deadLetterFailure(
        'dead-letters-full',
        `the dead letters of ${gateway} in ${this.#folder} have grown to its share of deadLetters.maxSize (${this.#maxSize} bytes)`,
      )
    this.#sizes.set(gateway, size)
  }

  /** Reads what is kept from earlier, if there is something: with many letters that takes a while. */
  async learn(signal: AbortSignal): Promise<void> {
    if (letterFiles(this.#folder).length === 0) return
    try {
      await this.#openIndex().learn(signal)
    } catch (error) {
      throw isAbort(error, signal) ? error : failureOf(error)
    }
  }

  /** Those of these gateways from requests for some of this range, which may be without beginning or end. */
  count(gateways: readonly string[], range: TimeRange): LetterCount {
    if (letterFiles(this.#folder).length === 0) return { open: 0, discarded: [] }
    let counts: readonly LetterCount[] = []
    this.#guard(() => {
      counts = gateways.map(gateway => this.#openIndex().count(gateway, range))
    })
    return joinLetterCounts(counts)
  }

  close(): void {
    this.#index?.close()
    this.#index = undefined
  }

  #openIndex(): LetterIndex {
    this.#index ??= openLetterIndex(this.#folder)
    return this.#index
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
      throw failureOf(error)
    }
  }
}

function failureOf(error: unknown): Failure {
  if (error instanceof Failure) return error
  const message = error instanceof Error ? error.message : String(error)
  const isSqlite = sqliteCode(error) !== undefined
  return deadLetterFailure('dead-letters-failed', `dead letters cannot be read or kept: ${message}`, {
    advice:
      systemAdvice(error) ??
      (isSqlite ? 'Let this user write the folder of the dead letters, or name a folder in TMPDIR.' : undefined),
    cause: error,
  })
}

/** The same for the same selectors, in whatever order: a few hundred of them must not stand in each letter. */
function askedText(selectors: readonly Selector[]): string {
  const [first = '', ...others] = selectors.map(selectorKey).sort()
  if (others.length === 0) return first
  const digest = createHash('sha256').update(others.join('\n')).digest('hex').slice(0, 12)
  return `${first} and ${others.length} more (${digest})`
}
