import type { Instant } from '../domain/instant.ts'
import type { FieldValue, Point } from '../domain/point.ts'

type Fields = Point['fields']

const firstCapacity = 1_024

/**
 * The points of one request, for finding repetitions: time and value in columns, so that a million points with one number
 * each cost about 20 MB, and the points themselves are not kept. Equal texts (of an enumeration) are kept once. Lines
 * (series) are numbered by the caller.
 */
export class SeenPoints {
  #held = 0
  #ms = new Float64Array(firstCapacity)
  /** Undefined until the first time with digits below the millisecond. */
  #nanos: Uint32Array<ArrayBuffer> | undefined
  /** The value, or an index in `others`. */
  #values = new Float64Array(firstCapacity)
  /** Twice the line, plus one if `values` is an index in `others`. */
  #lines = new Uint32Array(firstCapacity)
  readonly #names: string[] = []
  #others: Fields[] = []
  #othersBytes = 0
  #textPlaces = new Map<string, number>()
  /** Index of each point, plus one, by its line and time; undefined until the first point out of order. */
  #table: Int32Array<ArrayBuffer> | undefined

  get size(): number {
    return this.#held
  }

  /** About what texts and structures take. */
  get bytes(): number {
    return this.#othersBytes
  }

  add(line: number, { at, fields }: Point): void {
    if (this.#held === this.#ms.length) this.#grow()
    const i = this.#held++
    this.#ms[i] = at.ms
    if (at.nanos !== 0) this.#nanos ??= new Uint32Array(this.#ms.length)
    if (this.#nanos !== undefined) this.#nanos[i] = at.nanos
    this.put(i, line, fields)
    if (this.#table !== undefined) this.#enter(this.#table, i)
  }

  put(i: number, line: number, fields: Fields): void {
    const name = onlyName(fields)
    const value = name === undefined ? undefined : fields[name]
    if (name !== undefined && typeof value === 'number') this.#names[line] ??= name
    const isNumber = typeof value === 'number' && name === this.#names[line]
    this.#values[i] = isNumber ? value : this.#placeOf(fields, name, value)
    this.#lines[i] = line * 2 + (isNumber ? 0 : 1)
  }

  fieldsAt(i: number): Fields {
    const marked = this.#lines[i]!
    const value = this.#values[i]!
    return marked % 2 === 0 ? { [this.#names[marked / 2]!]: value } : this.#others[value]!
  }

  find(line: number, at: Instant): number | undefined {
    this.#table ??= this.#index()
    const table = this.#table
    for (let slot = this.#slotOf(line, at.ms, at.nanos, table); ; slot = (slot + 1) & (table.length - 1)) {
      const i = table[slot]! - 1
      if (i < 0) return undefined
      if (this.#ms[i] === at.ms && this.#lines[i]! >>> 1 === line && (this.#nanos?.[i] ?? 0) === at.nanos) return i
    }
  }

  /** Forgets the oldest; what is left moves to the front. */
  forget(count: number): void {
    for (const column of [this.#ms, this.#values, this.#lines, this.#nanos]) column?.copyWithin(0, count, this.#held)
    this.#held -= count
    this.#table = undefined
    const old = this.#others
    this.#others = []
    this.#othersBytes = 0
    this.#textPlaces.clear()
    for (let i = 0; i < this.#held; i++) {
      if (this.#lines[i]! % 2 === 0) continue
      const fields = old[this.#values[i]!]!
      const name = onlyName(fields)
      this.#values[i] = this.#placeOf(fields, name, name === undefined ? undefined : fields[name])
    }
  }

  #placeOf(fields: Fields, name: string | undefined, value: FieldValue | undefined): number {
    const key = name !== undefined && typeof value === 'string' ? `${name}\0${value}` : undefined
    const known = key === undefined ? undefined : this.#textPlaces.get(key)
    if (known !== undefined) return known
    const place = this.#others.push(fields) - 1
    this.#othersBytes += bytesOf(fields)
    if (key !== undefined) this.#textPlaces.set(key, place)
    return place
  }

  #grow(): void {
    const capacity = this.#ms.length * 2
    this.#ms = grown(new Float64Array(capacity), this.#ms)
    this.#values = grown(new Float64Array(capacity), this.#values)
    this.#lines = grown(new Uint32Array(capacity), this.#lines)
    if (this.#nanos !== undefined) this.#nanos = grown(new Uint32Array(capacity), this.#nanos)
    this.#table = undefined
  }

  /** At most half full: open addressing stays short. */
  #index(): Int32Array<ArrayBuffer> {
    const table = new Int32Array(this.#ms.length * 2)
    for (let i = 0; i < this.#held; i++) this.#enter(table, i)
    return table
  }

  #enter(table: Int32Array<ArrayBuffer>, i: number): void {
    let slot = this.#slotOf(this.#lines[i]! >>> 1, this.#ms[i]!, this.#nanos?.[i] ?? 0, table)
    while (table[slot] !== 0) slot = (slot + 1) & (table.length - 1)
    table[slot] = i + 1
  }

  /** The length is a power of two. */
  #slotOf(line: number, ms: number, nanos: number, { length }: { readonly length: number }): number {
    const high = Math.floor(ms / 2 ** 32)
    let mixed = Math.imul(ms ^ Math.imul(high, 0x85ebca6b), 0x9e3779b1) ^ Math.imul(nanos ^ (line << 20), 0xc2b2ae35)
    mixed = Math.imul(mixed ^ (mixed >>> 16) ^ line, 0x85ebca6b)
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
    return (mixed ^ (mixed >>> 16)) & (length - 1)
  }
}

function grown<Column extends Float64Array | Uint32Array>(column: Column, old: Column): Column {
  column.set(old)
  return column
}

/** Undefined: there are several fields, or none. */
function onlyName(fields: Fields): string | undefined {
  let only: string | undefined
  for (const name in fields) {
    if (only !== undefined) return undefined
    only = name
  }
  return only
}

function bytesOf(fields: Fields): number {
  let bytes = 64
  for (const name in fields) {
    const value = fields[name]
    bytes += typeof value === 'string' ? 32 + value.length : 16
  }
  return bytes
}
