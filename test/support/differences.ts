import type { Cell } from './truth.ts'

/** What a database holds, and what it should: each cell in at most one of these. */
export interface Differences {
  readonly lost: readonly Cell[]
  /** There, with another value. */
  readonly changed: readonly Cell[]
  readonly extra: readonly Cell[]
}

export function isSame({ lost, changed, extra }: Differences): boolean {
  return lost.length + changed.length + extra.length === 0
}

/** Entry by entry, each with all digits of its time. */
export function differences(actual: Iterable<Cell>, expected: Iterable<Cell>): Differences {
  const there = byPlace(actual)
  const lost: Cell[] = []
  const changed: Cell[] = []
  for (const [place, cell] of byPlace(expected)) {
    const found = there.get(place)
    there.delete(place)
    if (found === undefined) lost.push(cell)
    else if (found !== cell) changed.push(found)
  }
  return { lost, changed, extra: [...there.values()] }
}

/** `series|field|nanoseconds` → the cell. A database cannot hold two of them. */
function byPlace(cells: Iterable<Cell>): Map<string, Cell> {
  const places = new Map<string, Cell>()
  for (const cell of cells) places.set(/^[^|]*\|[^|]*\|[^|]*/.exec(cell)![0], cell)
  return places
}
