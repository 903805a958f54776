import { rangeLength, type TimeRange } from '../domain/range.ts'

/** Rows of one datapoint, and the parts of them that are not drawn yet. */
interface Urn<Row> {
  readonly rows: readonly Row[]
  readonly drawn: Set<number>
  readonly parts: number
}

/**
 * Parts of rows, drawn at random: first one of each datapoint (`of`), in random order, then a second one, and so on; of a
 * datapoint each part is as likely as the others, and none is drawn twice. The same seed gives the same parts.
 */
export function drawSample<Row extends { readonly range: TimeRange }>(
  rows: readonly Row[],
  of: (row: Row) => string,
  { count, windowMs, seed }: { readonly count: number; readonly windowMs: number; readonly seed: number },
): { row: Row; range: TimeRange }[] {
  const random = createRandom(seed)
  const below = (limit: number) => Math.floor(random() * limit)
  const partsOf = ({ range }: Row) => Math.ceil(rangeLength(range) / windowMs)
  let urns = [...Map.groupBy(rows, of).values()].map((own): Urn<Row> => {
    return { rows: own, drawn: new Set(), parts: own.reduce((sum, row) => sum + partsOf(row), 0) }
  })
  const sample: { row: Row; range: TimeRange }[] = []
  for (; urns.length > 0 && sample.length < count; urns = urns.filter(({ drawn, parts }) => drawn.size < parts)) {
    for (const { rows: own, drawn, parts } of shuffled(urns, below).slice(0, count - sample.length)) {
      let part = below(parts)
      while (drawn.has(part)) part = (part + 1) % parts
      drawn.add(part)
      const row = own.find(one => {
        if (part < partsOf(one)) return true
        part -= partsOf(one)
        return false
      })!
      sample.push({ row, range: partOf(row.range, part, partsOf(row)) })
    }
  }
  return sample
}

/** Parts of one row are of equal length, to a millisecond, and tile it. */
function partOf({ after, until }: TimeRange, part: number, parts: number): TimeRange {
  const border = (i: number) => after + Math.floor(((until - after) * i) / parts)
  return { after: border(part), until: border(part + 1) }
}

function shuffled<Value>(values: readonly Value[], below: (limit: number) => number): Value[] {
  const result = [...values]
  for (let i = result.length - 1; i > 0; i--) {
    const j = below(i + 1)
    ;[result[i], result[j]] = [result[j]!, result[i]!]
  }
  return result
}

/** Numbers in [0, 1), the same for the same seed: mulberry32. */
function createRandom(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
