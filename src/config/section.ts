import { z } from 'zod'

/** A map whose keys are all known. One line of the message for each unknown key, in the order of the issue's `keys`. */
export function section<Shape extends z.ZodRawShape>(shape: Shape) {
  const known = Object.keys(shape)
  return z.strictObject(shape, {
    error: issue =>
      issue.code === 'unrecognized_keys' ? issue.keys.map(key => unknownKey(key, known)).join('\n') : undefined,
  })
}

function unknownKey(key: string, known: readonly string[]): string {
  const near = nearest(key, known)
  const named = `unknown key ${JSON.stringify(key)}`
  return near === undefined ? `${named}; known here: ${known.join(', ')}` : `${named}: did you mean "${near}"?`
}

/** The known word that `word` is most probably a slip of; undefined where none is close. */
function nearest(word: string, known: readonly string[]): string | undefined {
  const slips = known.map(candidate => ({
    candidate,
    edits: editDistance(word.toLowerCase(), candidate.toLowerCase()),
  }))
  const best = slips.toSorted((a, b) => a.edits - b.edits)[0]
  return best !== undefined && best.edits <= Math.max(1, Math.floor(best.candidate.length / 3))
    ? best.candidate
    : undefined
}

/** Letters to insert, delete, replace, or swap with their neighbour (optimal string alignment). */
function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)]
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      let edits = Math.min(rows[i - 1]![j]! + 1, row[j - 1]! + 1, rows[i - 1]![j - 1]! + (same ? 0 : 1))
      if (!same && i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        edits = Math.min(edits, rows[i - 2]![j - 2]! + 1)
      row.push(edits)
    }
    rows.push(row)
  }
  return rows[a.length]![b.length]!
}
