import type { Point, Series } from '../../domain/point.ts'
import type { TimeRange } from '../../domain/range.ts'
import type { Ask } from './ask.ts'
import type { NumberField, Place } from './place.ts'

/** Where to ask, and until when. */
export interface Question {
  readonly ask: Ask
  readonly place: Place
  /** All that the configuration writes to. */
  readonly measurements: readonly string[]
  /** Fields that are to hold numbers, besides `value`. */
  readonly numberFields: readonly NumberField[]
  readonly signal: AbortSignal
}

/** How a kind of database gives back what was written to it. */
export interface ReadBack {
  readonly count: (question: Question, series: Series, range: TimeRange) => Promise<number>
  readonly read: (question: Question, series: Series, range: TimeRange) => AsyncIterable<Point>
}
