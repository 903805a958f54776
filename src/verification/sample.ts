import { rangeLength, type TimeRange } from '../domain/range.ts'

/** Parts of rows, drawn at random: the same seed gives the same parts. */
export function drawSample<Row extends { readonly range: TimeRange }>(
  rows: readonly Row[],
  count: number,
  windowMs: number,
  seed: number,
): { row: Row; range: TimeRange }[] {
  const random = createRandom(seed)
  const total = rows.reduce((sum, { range }) => sum + rangeLength(range), 0)
  return Array.from({ length: total === 0 ? 0 : count }, () => {
    let at = Math.floor(random() * total)
    let row = rows[0]!
    for (const one of rows) {
      row = one
      if (at < rangeLength(one.range)) break
      at -= rangeLength(one.range)
    }
    const length = Math.min(windowMs, rangeLength(row.range))
    const after = Math.min(row.range.after + at, row.range.until - length)
    return { row, range: { after, until: after + length } }
  })
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
