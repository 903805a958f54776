import type { Point, Series } from '../domain/point.ts'
import type { Counts } from '../domain/receipt.ts'

interface Line {
  readonly selectors: readonly number[]
  /** Distinct points in the sink. */
  points: number
  written: number
  rejected: number
}

/** Counts the entries and points of a request for each of its selectors: what the ledger keeps as proof. */
export class Tally {
  readonly #lines = new Map<Series, Line>()
  /** By position in the request's selectors. */
  readonly #received: number[]
  readonly #unwritable: number[]

  constructor(selectors: number) {
    this.#received = Array.from({ length: selectors }, () => 0)
    this.#unwritable = [...this.#received]
  }

  /** An entry that these selectors asked for. */
  receive(selectors: readonly number[]): void {
    for (const i of selectors) this.#received[i]!++
  }

  /** Such an entry gives no point. */
  reject(selectors: readonly number[]): void {
    for (const i of selectors) this.#unwritable[i]!++
  }

  /** Such an entry gives a point that is written. */
  note({ series }: Point, selectors: readonly number[]): void {
    const line = this.#lines.get(series)
    if (line === undefined) this.#lines.set(series, { selectors, points: 1, written: 1, rejected: 0 })
    else {
      line.points++
      line.written++
    }
  }

  /** `partly`: other fields of the point are in the sink. `isCorrection`: the point was to replace one that is written. */
  refuse(
    { series }: Point,
    { partly, isCorrection }: { readonly partly: boolean; readonly isCorrection: boolean },
  ): void {
    const line = this.#lines.get(series)
    if (line === undefined) return
    line.rejected++
    if (!isCorrection) line.written--
    if (!partly) line.points--
  }

  /** The sink cannot hold such a point, and it is no loss: it counts as empty. */
  leaveOut({ series }: Point): void {
    const line = this.#lines.get(series)
    if (line === undefined) return
    line.written--
    line.points--
  }

  /** The series that points of each selector went to, in the order of the request's selectors. */
  series(): Series[][] {
    const held = this.#received.map((): Series[] => [])
    for (const [series, { selectors }] of this.#lines) for (const i of selectors) held[i]!.push(series)
    return held
  }

  /** In the order of the request's selectors. */
  points(): number[] {
    return this.#sums(({ points }) => points)
  }

  /** In the order of the request's selectors. What is neither written nor rejected was a duplicate or empty. */
  counts(): Counts[] {
    const written = this.#sums(line => line.written)
    const refused = this.#sums(line => line.rejected)
    return this.#received.map((received, i) => ({
      received,
      written: written[i]!,
      rejected: refused[i]! + this.#unwritable[i]!,
    }))
  }

  #sums(countOf: (line: Line) => number): number[] {
    const sums = this.#received.map(() => 0)
    for (const line of this.#lines.values()) for (const i of line.selectors) sums[i]! += countOf(line)
    return sums
  }
}
