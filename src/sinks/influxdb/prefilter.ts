import { type Point, withoutTexts } from '../../domain/point.ts'
import type { Refusal } from '../sink.ts'
import type { Dialect } from './dialects.ts'

/** What a database would lose with a 204 is refused here, so that every count stays true (law 5). */
export interface Prefiltered {
  readonly points: readonly Point[]
  readonly refused: readonly Refusal[]
  /** Points to send without their texts → the whole points. */
  readonly wholeOf: ReadonlyMap<Point, Point>
}

/** What is kept of time, ms; undefined: without an end. */
export interface Kept {
  readonly oldest: number | undefined
  readonly newest: number | undefined
}

export function prefilter(
  points: readonly Point[],
  { holdsTexts }: Pick<Dialect, 'holdsTexts'>,
  { oldest, newest }: Kept,
): Prefiltered {
  const wholeOf = new Map<Point, Point>()
  if (holdsTexts && oldest === undefined && newest === undefined) return { points, refused: [], wholeOf }
  const fitting: Point[] = []
  const refused: Refusal[] = []
  for (const point of points) {
    if (oldest !== undefined && point.at.ms < oldest)
      refused.push({ point, code: 'retention', reason: 'older than the database keeps' })
    else if (newest !== undefined && point.at.ms > newest)
      refused.push({ point, code: 'out-of-time', reason: 'further in the future than the database takes' })
    else {
      const fields = holdsTexts ? point.fields : withoutTexts(point.fields)
      if (fields === point.fields) fitting.push(point)
      else if (Object.keys(fields).length === 0)
        refused.push({ point, code: 'strings-not-held', reason: 'the database keeps numbers alone' })
      else {
        // the number of an enumeration is all that it can hold: written
        const sent = { ...point, fields }
        wholeOf.set(sent, point)
        fitting.push(sent)
      }
    }
  }
  return { points: fitting, refused, wholeOf }
}
