import { closeSync, openSync } from 'node:fs'
import type { Failure } from '../domain/failure.ts'
import { writeAll } from '../durable/write.ts'
import type { CapturePart } from '../pipeline/recorder.ts'
import { commandFailure } from './failures.ts'
import { usageFailure } from './parse-time.ts'

const portionLength = 64 * 1024

/** A recording being written. Values of a plant are private: only the owner of the file may read it. */
export class CaptureFile {
  readonly #file: number
  #portion = ''

  /** Throws a Failure where the file is there already or cannot be made. */
  static create(path: string): CaptureFile {
    try {
      return new CaptureFile(openSync(path, 'wx', 0o600))
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined
      if (code === 'EEXIST')
        throw usageFailure(`${path} exists already`, 'A recording never overwrites a file: name another one.')
      throw cannotWrite(path, error)
    }
  }

  private constructor(file: number) {
    this.#file = file
  }

  readonly write = (part: CapturePart): void => {
    this.#portion += `${JSON.stringify(part)}\n`
    if (this.#portion.length >= portionLength) this.#flush()
  }

  close(): void {
    try {
      this.#flush()
    } finally {
      closeSync(this.#file)
    }
  }

  #flush(): void {
    const bytes = Buffer.from(this.#portion)
    this.#portion = ''
    try {
      writeAll(this.#file, bytes)
    } catch (error) {
      throw cannotWrite('the recording', error)
    }
  }
}

function cannotWrite(what: string, cause: unknown): Failure {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
  return commandFailure('cannot-write', `${what} cannot be written (${code})`, { cause })
}
