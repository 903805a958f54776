import type { FieldValue, Point } from '../../domain/point.ts'
import type { Refusal } from '../sink.ts'
import type { Dialect } from './dialects.ts'

/** What this kind of database would lose with a 204 is refused here, so that every count stays true (law 5). */
export interface Prefiltered {
  readonly points: readonly Point[]
  readonly refused: readonly Refusal[]
  /** Of the points to send: parts of refused ones, not to be counted as written, and what they are parts of. */
  readonly parts: ReadonlyMap<Point, Point>
}

/** What is kept of time, ms; undefined: without an end. */
export interface Kept {
  readonly oldest: number | undefined
  readonly newest: number | undefined
}

export function prefilter(points: readonly Point[], { holdsTexts }: Dialect, { oldest, newest }: Kept): Prefiltered {
  if (holdsTexts && oldest === undefined && newest === undefined) return { points, refused: [], parts: new Map() }
  const fitting: Point[] = []
  const refused: Refusal[] = []
  const parts = new Map<Point, Point>()
  for (const point of points) {
    if (oldest !== undefined && point.at.ms < oldest) {
      refused.push({ point, code: 'retention', reason: 'older than the database keeps' })
      continue
    }
    if (newest !== undefined && point.at.ms > newest) {
      refused.push({ point, code: 'out-of-time', reason: 'further in the future than the database takes' })
      continue
    }
    const numbers = holdsTexts ? point.fields : withoutTexts(point.fields)
    if (numbers === point.fields) fitting.push(point)
    else if (numbers === undefined)
      refused.push({ point, code: 'strings-not-held', reason: 'the database keeps numbers alone' })
    else {
      const part = { ...point, fields: numbers }
      parts.set(part, point)
      fitting.push(part)
      const reason = 'its numbers are written; the database keeps no texts'
      refused.push({ point, code: 'strings-not-held', reason, partly: true })
    }
  }
  return { points: fitting, refused, parts }
}

/** The same object if there is no text in it; undefined if there is nothing else. */
function withoutTexts(fields: Point['fields']): Point['fields'] | undefined {
  const kept: Record<string, FieldValue> = {}
  let texts = 0
  let numbers = 0
  for (const name in fields) {
    const value = fields[name]!
    if (typeof value === 'string') texts++
    else {
      numbers++
      kept[name] = value
    }
  }
  return texts === 0 ? fields : numbers === 0 ? undefined : kept
}
