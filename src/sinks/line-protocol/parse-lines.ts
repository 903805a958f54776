import { instantOfNanoseconds } from '../../domain/instant.ts'
import type { FieldValue, Point, Series } from '../../domain/point.ts'
import { originalName } from './names.ts'

/** Reads what `lineOf` has written, and gives the very same points. Throws a RangeError for anything else. */
export function* parseLines(
  text: string,
  seriesOf: (measurement: string, tags: Record<string, string>) => Series,
): Generator<Point> {
  let at = 0

  /** Up to one of the ends; `escaped`: the signs before which a backslash is no sign of its own. */
  function name(ends: string, escaped = ',= '): string {
    let raw = ''
    while (at < text.length && !ends.includes(text[at]!)) {
      if (text[at] === '\\' && escaped.includes(text[at + 1] ?? '\n')) at++
      raw += text[at++]
    }
    return originalName(raw)
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
    for (at++; text[at] !== '"'; at++) {
      if (at >= text.length) throw new RangeError('a text has no end')
      if (text[at] === '\\') at++
      raw += text[at]
    }
    at++
    return raw
  }

  while (at < text.length) {
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
    const ns = BigInt(text.slice(at, end === -1 ? text.length : end))
    at = end === -1 ? text.length : end + 1
    yield { series: seriesOf(measurement, tags), at: instantOfNanoseconds(ns), fields }
  }
}
