import { closeSync, createReadStream, readSync } from 'node:fs'
import { openRegularFile } from '../durable/regular-file.ts'
import type { KeptLetter } from './dead-letters.ts'

/** One line of a file of dead letters, without its newline. */
export interface LetterLine {
  readonly bytes: Buffer
  /** Undefined where the line cannot be read: cut off by a crash, or edited. */
  readonly letter: KeptLetter | undefined
}

const newline = 0x0a
const portionSize = 256 * 1024

/** One line at a time, in order. */
export async function* readLetterLines(path: string): AsyncGenerator<LetterLine> {
  const lines = new LineCutter()
  for await (const portion of createReadStream('', { fd: openRegularFile(path) })) yield* lines.cut(portion as Buffer)
  yield* lines.rest()
}

/** Those that can be read. */
export async function* readLetters(path: string): AsyncGenerator<KeptLetter> {
  for await (const { letter } of readLetterLines(path)) if (letter !== undefined) yield letter
}

/** From a byte on, to the last newline: a portion's lines at a time, each with the byte it ends at. */
export function* readLetterLinesFrom(path: string, from: number): Generator<{ lines: LetterLine[]; end: number }> {
  const file = openRegularFile(path)
  try {
    const lines = new LineCutter()
    for (let at = from; ; ) {
      const portion = Buffer.alloc(portionSize)
      const read = readSync(file, portion, 0, portionSize, at)
      if (read === 0) return
      at += read
      yield { lines: lines.cut(portion.subarray(0, read)), end: at - lines.pending }
    }
  } finally {
    closeSync(file)
  }
}

/**
 * At newlines and nowhere else: a text in a letter may hold U+2028, where readline would cut too. Empty lines are left
 * out.
 */
class LineCutter {
  #parts: Buffer[] = []

  /** Bytes of a line that has not ended yet. */
  get pending(): number {
    return this.#parts.reduce((sum, part) => sum + part.length, 0)
  }

  cut(portion: Buffer): LetterLine[] {
    const lines: LetterLine[] = []
    let from = 0
    for (let to = portion.indexOf(newline); to !== -1; to = portion.indexOf(newline, from)) {
      this.#parts.push(portion.subarray(from, to))
      from = to + 1
      lines.push(...this.rest())
    }
    if (from < portion.length) this.#parts.push(portion.subarray(from))
    return lines
  }

  /** The last line, where nothing ends it. */
  rest(): LetterLine[] {
    const bytes = Buffer.concat(this.#parts)
    this.#parts = []
    return bytes.length === 0 ? [] : [{ bytes, letter: parse(bytes.toString('utf8')) }]
  }
}

function parse(line: string): KeptLetter | undefined {
  try {
    const json = JSON.parse(line) as Partial<KeptLetter>
    return typeof json.reason === 'string' && typeof json.gateway === 'string' ? (json as KeptLetter) : undefined
  } catch {
    return undefined
  }
}
