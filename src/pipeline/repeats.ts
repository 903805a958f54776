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
 * comparison. If they differ, the point has the fields of all of them, of each field the larger value: the same entries
 * give the same point whatever their order (law 4), also in a database that merges the fields of equal times.
 *
 * What it remembers is bounded (law 6): beyond that the oldest is forgotten, and a repetition from so far back is
 * written once more and counted as written; the database holds one point all the same.
 */
export class Repeats {
  readonly #series = new Map<Series, Seen>()
  readonly #limit: number
  #isExact = true
  #held = 0
  readonly #corrections = new Set<Point>()

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

  /** False once something was forgotten: a repetition may have been taken for a new point. */
  get isExact(): boolean {
    return this.#isExact
  }

  /** Points that must replace ones which may have been written already; one for each series and time. */
  takeCorrections(): readonly Point[] {
    if (this.#corrections.size === 0) return []
    const corrections = [...this.#corrections]
    this.#corrections.clear()
    return corrections
  }

  #decide(seen: Seen, index: number, point: Point): 'same' | 'differs' {
    const earlier = seen.points[index]!
    if (isSame(earlier.fields, point.fields)) return 'same'
    const joined = joinFields(earlier.fields, point.fields)
    if (!isSame(joined, earlier.fields)) {
      const correction = { ...point, fields: joined }
      seen.points[index] = correction
      // an earlier correction is outdone: of two in one batch the database need not take the later
      this.#corrections.delete(earlier)
      this.#corrections.add(correction)
    }
    return 'differs'
  }

  #keep(seen: Seen, point: Point): void {
    seen.byInstant?.set(keyOf(point.at), seen.points.length)
    seen.points.push(point)
    if (++this.#held > this.#limit) this.#forget()
  }

  #forget(): void {
    this.#isExact = false
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

function isSame(a: Point['fields'], b: Point['fields']): boolean {
  const names = Object.keys(a)
  return names.length === Object.keys(b).length && names.every(name => a[name] === b[name])
}

/** Commutative, associative and idempotent: that is why the order of arrival does not matter. */
export function joinFields(a: Point['fields'], b: Point['fields']): Point['fields'] {
  const joined: Record<string, FieldValue> = { ...a }
  for (const [name, value] of Object.entries(b)) {
    // own: a structure may have a member called "constructor"
    if (!Object.hasOwn(joined, name) || isLarger(value, joined[name]!)) joined[name] = value
  }
  return joined
}

/** Values of one field are of one kind; should they not be, texts are larger. */
function isLarger(a: FieldValue, b: FieldValue): boolean {
  return typeof a === typeof b ? a > b : typeof a > typeof b
}
