/**
 * Mixes a seed and two integers into 32 evenly spread bits. The same arguments give the same bits for ever:
 * the whole history hangs on this, so that any entry can be computed without the ones before it.
 */
export function mix(seed: number, a: number, b: number): number {
  let h = (seed | 0) ^ 0x9e3779b9
  h = Math.imul(h ^ (a | 0), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 15) ^ (b | 0), 0xc2b2ae35)
  h = Math.imul(h ^ (h >>> 13) ^ Math.trunc(b / 2 ** 32), 0x27d4eb2f)
  h = Math.imul(h ^ (h >>> 16), 0x165667b1)
  return (h ^ (h >>> 14)) >>> 0
}

/** The bits of `mix` as a number in [0, 1). */
export function unit(bits: number): number {
  return (bits >>> 0) / 2 ** 32
}

/** A repeatable sequence of numbers in [0, 1): one seed, one sequence. */
export function createRandom(seed: number): () => number {
  let drawn = 0
  return () => unit(mix(seed, 0x51ed270b, drawn++))
}
