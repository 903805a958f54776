import { compareInstants, type Instant } from '../domain/instant.ts'
import type { FieldValue, Point, Series } from '../domain/point.ts'
import { SeenPoints } from './seen-points.ts'

/** One series: its number, and its newest time so far. */
interface Line {
  readonly number: number
  newest: Instant
}

/** Points that are remembered at least: several times the entries that one request brings in an ordinary configuration. */
const leastRemembered = 1_000_000
/** What remembered texts and structures may take. */
const mostBytes = 64 * 1024 * 1024

/**
 * Finds entries of one datapoint with the same time within one request. The usual case, ascending times, costs one
 * comparison. If such entries differ, the point has the fields of all of them, and of each field the larger value: the same
 * entries give the same point in any order (law 4), also in a database that merges the fields of equal times.
 *
 * The points that it remembers are bounded in number and bytes (law 6). Beyond that the oldest are forgotten, and a repetition of one of
 * them is written again and counted as written; the database still holds one point.
 */
export class Repeats {
  readonly #lines = new Map<Series, Line>()
  readonly #seen = new SeenPoints()
  readonly #limit: number
  #isExact = true
  /** Points forgotten so far: an index plus this number identifies a point for the whole request. */
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
      // replaces an earlier correction: of two in one batch the database may take either
      this.#corrections.set(this.#forgotten + index, { ...point, fields })
      this.#trim()
    }
    return 'differs'
  }

  #keep(line: number, point: Point): void {
    this.#seen.add(line, point)
    this.#trim()
  }

  #trim(): void {
    while (this.#seen.size > this.#limit || this.#seen.bytes > mostBytes) {
      const oldest = Math.ceil(this.#seen.size / 2)
      this.#isExact = false
      this.#forgotten += oldest
      this.#seen.forget(oldest)
    }
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

/** Values of one field are usually of one kind; if they are not, texts are larger. */
function isLarger(a: FieldValue, b: FieldValue): boolean {
  return typeof a === typeof b ? a > b : typeof a > typeof b
}
