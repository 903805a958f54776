import { compareInstants, type Instant } from '../domain/instant.ts'
import type { FieldValue, Point, Series } from '../domain/point.ts'

interface Seen {
  newest: Instant
  /** Instants in order of arrival; `points[i]` belongs to `instants[i]`. */
  readonly points: Point[]
  /** Made when the first entry arrives out of order. */
  byInstant: Map<string, number> | undefined
}

/**
 * Finds entries of one datapoint with the same time within one request. The usual case, ascending times, costs one
 * comparison. If the values differ, the larger one wins, whatever the order of arrival, so that the same entries
 * always give the same point (law 4).
 *
 * What it remembers is bounded (law 6): beyond that the oldest is forgotten, and a repetition from so far back is
 * written once more and counted as written; the database holds one point all the same.
 */
export class Repeats {
  readonly #series = new Map<Series, Seen>()
  readonly #limit: number
  #held = 0
  #corrections: Point[] = []

  constructor(limit = 100_000) {
    this.#limit = limit
  }

  note(point: Point): 'new' | 'same' | 'differs' {
    const seen = this.#series.get(point.series)
    if (seen === undefined) {
      this.#series.set(point.series, { newest: point.at, points: [point], byInstant: undefined })
      this.#held++
      return 'new'
    }
    if (compareInstants(point.at, seen.newest) > 0) {
      seen.newest = point.at
    } else {
      const earlier = find(seen, point.at)
      if (earlier !== undefined) return this.#decide(seen, earlier, point)
    }
    this.#keep(seen, point)
    return 'new'
  }

  /** Points that must replace ones which may have been written already. */
  takeCorrections(): readonly Point[] {
    const corrections = this.#corrections
    if (corrections.length > 0) this.#corrections = []
    return corrections
  }

  #decide(seen: Seen, index: number, point: Point): 'same' | 'differs' {
    const order = compareFields(point.fields, seen.points[index]!.fields)
    if (order === 0) return 'same'
    if (order > 0) {
      seen.points[index] = point
      this.#corrections.push(point)
    }
    return 'differs'
  }

  #keep(seen: Seen, point: Point): void {
    seen.byInstant?.set(keyOf(point.at), seen.points.length)
    seen.points.push(point)
    if (++this.#held > this.#limit) this.#forget()
  }

  #forget(): void {
    this.#held = 0
    for (const seen of this.#series.values()) {
      seen.points.splice(0, Math.ceil(seen.points.length / 2))
      seen.byInstant = undefined
      this.#held += seen.points.length
    }
  }
}

function find(seen: Seen, at: Instant): number | undefined {
  seen.byInstant ??= new Map(seen.points.map((point, i) => [keyOf(point.at), i]))
  return seen.byInstant.get(keyOf(at))
}

function keyOf(at: Instant): string {
  return `${at.ms}.${at.nanos}`
}

/** A total order of field sets: by their names, then by their values, numbers before texts. */
function compareFields(a: Point['fields'], b: Point['fields']): number {
  const names = (fields: Point['fields']) => Object.keys(fields).sort()
  const [namesA, namesB] = [names(a), names(b)]
  const byNames = compareTexts(namesA.join('\n'), namesB.join('\n'))
  if (byNames !== 0) return byNames
  for (const name of namesA) {
    const order = compareValues(a[name]!, b[name]!)
    if (order !== 0) return order
  }
  return 0
}

function compareValues(a: FieldValue, b: FieldValue): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  if (typeof a === typeof b) return compareTexts(String(a), String(b))
  return compareTexts(typeof a, typeof b)
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
