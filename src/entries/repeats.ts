import { compareInstants, type Instant } from '../domain/instant.ts'
import type { FieldValue, Point, Series } from '../domain/point.ts'
import { SeenPoints } from './seen-points.ts'

/** One series: its number, and its newest time so far. */
interface Line {
  readonly number: number
  newest: Instant
}

/** What is remembered at least: as many entries as an ordinary configuration lets one request bring, several times. */
const leastRemembered = 1_000_000

/**
 * Finds entries of one datapoint with the same time within one request. The usual case, ascending times, costs one
 * comparison. If they differ, the point has the fields of all of them, of each field the larger value: the same entries
 * give the same point whatever their order (law 4), also in a database that merges the fields of equal times.
 *
 * What it remembers is bounded (law 6): beyond that the oldest is forgotten, and a repetition from so far back is
 * written once more and counted as written; the database holds one point all the same.
 */
export class Repeats {
  readonly #lines = new Map<Series, Line>()
  readonly #seen = new SeenPoints()
  readonly #limit: number
  #isExact = true
  /** Points forgotten so far: an index plus this names a point for good. */
  #forgotten = 0
  readonly #corrections = new Map<number, Point>()

  constructor(limit = leastRemembered) {
    this.#limit = limit
  }

  /** Remembers all that a request can bring, where that is known. */
  static forRequest(mostEntries: number): Repeats {
    return new Repeats(Number.isFinite(mostEntries) ? Math.max(leastRemembered, mostEntries) : leastRemembered)
  }

  note(point: Point): 'new' | 'same' | 'differs' {
    const line = this.#lines.get(point.series)
    if (line === undefined) {
      const number = this.#lines.size
      this.#lines.set(point.series, { number, newest: point.at })
      this.#keep(number, point)
      return 'new'
    }
    if (compareInstants(point.at, line.newest) > 0) {
      line.newest = point.at
    } else {
      const earlier = this.#seen.find(line.number, point.at)
      if (earlier !== undefined) return this.#decide(line.number, earlier, point)
    }
    this.#keep(line.number, point)
    return 'new'
  }

  /** False once something was forgotten: a repetition may have been taken for a new point. */
  get isExact(): boolean {
    return this.#isExact
  }

  /** Points that must replace ones which may have been written already; one for each series and time. */
  takeCorrections(): readonly Point[] {
    if (this.#corrections.size === 0) return []
    const corrections = [...this.#corrections.values()]
    this.#corrections.clear()
    return corrections
  }

  #decide(line: number, index: number, point: Point): 'same' | 'differs' {
    const earlier = this.#seen.fieldsAt(index)
    if (isSame(earlier, point.fields)) return 'same'
    const fields = joinFields(earlier, point.fields)
    if (!isSame(fields, earlier)) {
      this.#seen.put(index, line, fields)
      // in the place of an earlier correction: of two in one batch the database need not take the later
      this.#corrections.set(this.#forgotten + index, { ...point, fields })
    }
    return 'differs'
  }

  #keep(line: number, point: Point): void {
    this.#seen.add(line, point)
    if (this.#seen.size <= this.#limit) return
    const oldest = Math.ceil(this.#seen.size / 2)
    this.#isExact = false
    this.#forgotten += oldest
    this.#seen.forget(oldest)
  }
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
