import type { Point, Series } from '../domain/point.ts'

interface Line {
  readonly selectors: readonly number[]
  points: number
}

/** Counts the distinct points of a request for each of its selectors: what the ledger keeps as proof. */
export class Tally {
  readonly #lines = new Map<Series, Line>()
  readonly #selectors: number

  constructor(selectors: number) {
    this.#selectors = selectors
  }

  note({ series }: Point, selectors: readonly number[]): void {
    const line = this.#lines.get(series)
    if (line === undefined) this.#lines.set(series, { selectors, points: 1 })
    else line.points++
  }

  refuse({ series }: Point): void {
    const line = this.#lines.get(series)
    if (line !== undefined) line.points--
  }

  /** The series that points of each selector went to, in the order of the request's selectors. */
  series(): Series[][] {
    const held = Array.from({ length: this.#selectors }, (): Series[] => [])
    for (const [series, { selectors }] of this.#lines) for (const i of selectors) held[i]!.push(series)
    return held
  }

  /** In the order of the request's selectors. */
  points(): number[] {
    const sums = Array.from({ length: this.#selectors }, () => 0)
    for (const { selectors, points } of this.#lines.values()) for (const i of selectors) sums[i]! += points
    return sums
  }
}
