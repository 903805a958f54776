import { instantOfNanoseconds } from '../../domain/instant.ts'
import type { FieldValue, Point, Series } from '../../domain/point.ts'
import { originalName } from './names.ts'

type SeriesOf = (measurement: string, tags: Record<string, string>) => Series

/** Reads what `lineOf` has written, and gives the very same points. Throws a RangeError for anything else. */
export function* parseLines(text: string, seriesOf: SeriesOf): Generator<Point> {
  const whole = text === '' || text.endsWith('\n') ? text : `${text}\n`
  for (let at = 0; at < whole.length; ) {
    const line = parseLine(whole, at, seriesOf)
    if (line === undefined) throw new RangeError('the last line has no end')
    yield line.point
    at = line.end
  }
}

/** No line of ours comes near to it: an entry of the gateway has a megabyte at the most. */
const longestLine = 8_000_000

/**
 * The same of a text that comes in pieces; memory follows the longest line. A newline may be part of a text, so that a
 * line is read as soon as its end is there, and not before there is twice as much of it as at the last try.
 */
export async function* parsePieces(pieces: AsyncIterable<string>, seriesOf: SeriesOf): AsyncGenerator<Point> {
  let rest = ''
  let enough = 1
  for await (const piece of pieces) {
    rest += piece
    if (rest.length < enough) continue
    let at = 0
    for (let line = lineAt(rest, at, seriesOf); line !== undefined; line = lineAt(rest, at, seriesOf)) {
      yield line.point
      at = line.end
    }
    rest = rest.slice(at)
    if (rest.length > longestLine) throw new RangeError(`a line is longer than ${longestLine} characters`)
    enough = 2 * rest.length
  }
  yield* parseLines(rest, seriesOf)
}

/** Undefined also for what would be wrong as a whole line: there may be more of it. */
function lineAt(text: string, at: number, seriesOf: SeriesOf): ParsedLine | undefined {
  try {
    return at === text.length ? undefined : parseLine(text, at, seriesOf)
  } catch (error) {
    if (error instanceof RangeError || error instanceof SyntaxError) return undefined
    throw error
  }
}

interface ParsedLine {
  readonly point: Point
  /** Where the next line begins. */
  readonly end: number
}

/** Undefined where the line has no end yet. */
function parseLine(text: string, start: number, seriesOf: SeriesOf): ParsedLine | undefined {
  let at = start

  /** Up to one of the ends; `escaped`: the signs before which a backslash is not itself a sign. */
  function name(ends: string, escaped = ',= '): string {
    let raw = ''
    let from = at
    for (; at < text.length && !ends.includes(text[at]!); at++)
      if (text[at] === '\\' && escaped.includes(text[at + 1] ?? '\n')) {
        raw += text.slice(from, at)
        from = ++at
      }
    return originalName(raw + text.slice(from, at))
  }

  function expect(sign: string): void {
    if (text[at] !== sign) throw new RangeError(`expected ${JSON.stringify(sign)} at ${at}`)
    at++
  }

  function value(): FieldValue {
    if (text[at] !== '"') {
      const start = at
      while (at < text.length && text[at] !== ',' && text[at] !== ' ') at++
      const word = text.slice(start, at)
      if (word === 'T' || word === 'F') return word === 'T'
      const number = Number(word)
      if (word === '' || !Number.isFinite(number)) throw new RangeError(`expected a number at ${start}`)
      return number
    }
    let raw = ''
    let from = ++at
    for (; text[at] !== '"'; at++) {
      if (at >= text.length) throw new RangeError('a text has no end')
      if (text[at] === '\\') {
        raw += text.slice(from, at)
        from = ++at
      }
    }
    raw += text.slice(from, at++)
    return raw
  }

  const measurement = name(', ', ', ')
  const tags: Record<string, string> = Object.create(null)
  while (text[at] === ',') {
    at++
    const key = name('=')
    expect('=')
    tags[key] = name(', ')
  }
  const fields: Record<string, FieldValue> = {}
  do {
    at++
    const key = name('=')
    expect('=')
    fields[key] = value()
  } while (text[at] === ',')
  expect(' ')
  const end = text.indexOf('\n', at)
  if (end === -1) return undefined
  const time = /^-?\d{1,19}$/.exec(text.slice(at, end))
  if (time === null) throw new RangeError(`expected a time at ${at}`)
  return {
    point: { series: seriesOf(measurement, tags), at: instantOfNanoseconds(BigInt(time[0])), fields },
    end: end + 1,
  }
}
