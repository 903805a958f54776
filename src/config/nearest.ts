import { distance } from 'fastest-levenshtein'

/** The known word that `word` is most probably a slip of; undefined where none is close. Two letters that were swapped are two edits. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const edits = (candidate: string) => distance(word.toLowerCase(), candidate.toLowerCase())
  const best = known.toSorted((a, b) => edits(a) - edits(b))[0]
  return best !== undefined && edits(best) <= Math.max(1, Math.floor((best.length + 1) / 3)) ? best : undefined
}
