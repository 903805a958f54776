import { isoText } from '../domain/instant.ts'
import type { TimeRange } from '../domain/range.ts'
import type { KeptLetter } from './dead-letters.ts'
import { LetterRemainder, letterFiles } from './letter-files.ts'
import { readLetterLines } from './letter-lines.ts'

/** Which letters to give up. */
export interface LetterChoice {
  /** Undefined: of all gateways. */
  readonly gateway?: string | undefined
  /** Brought by a request for some of this range, as they are counted; it may be without beginning or end. */
  readonly range: TimeRange
  /** Why they could not be written; undefined: for whatever reason. */
  readonly code?: string | undefined
}

/** Letters that are not given up yet. */
export interface ChosenLetters {
  readonly gateway: string
  readonly code: string
  count: number
}

/** What a choice holds, the most first. Changes nothing. */
export async function chosenLetters(folder: string, choice: LetterChoice): Promise<ChosenLetters[]> {
  const found = createCount()
  for (const path of letterFiles(folder))
    for await (const { letter } of readLetterLines(path))
      if (letter !== undefined && isChosen(letter, choice)) found.add(letter)
  return found.sorted()
}

/**
 * Marks letters as given up, with the time and the reason. They stay in their files: the range that brought them may be
 * fetched again, and must not bring them anew. Each file is replaced as a whole; after a crash the same call goes on.
 */
export async function discardLetters(
  folder: string,
  choice: LetterChoice,
  { at, reason }: { readonly at: number; readonly reason: string },
  signal: AbortSignal,
): Promise<ChosenLetters[]> {
  const found = createCount()
  const discarded = { at: isoText(at), reason }
  for (const path of letterFiles(folder)) {
    const remainder = new LetterRemainder(path)
    try {
      let hasAny = false
      for await (const { letter, bytes } of readLetterLines(path)) {
        signal.throwIfAborted()
        if (letter === undefined || !isChosen(letter, choice)) {
          remainder.keepLine(bytes)
          continue
        }
        hasAny = true
        found.add(letter)
        remainder.keep({ ...letter, discarded })
      }
      if (hasAny) remainder.replace()
    } finally {
      remainder.close()
    }
  }
  return found.sorted()
}

function isChosen(letter: KeptLetter, { gateway, range, code }: LetterChoice): boolean {
  if (letter.discarded !== undefined) return false
  if (gateway !== undefined && letter.gateway !== gateway) return false
  if (code !== undefined && letter.reason !== code) return false
  return Date.parse(letter.until) > range.after && Date.parse(letter.after) < range.until
}

function createCount() {
  const counts = new Map<string, ChosenLetters>()
  return {
    add({ gateway, reason: code, entries = 1 }: KeptLetter): void {
      const key = JSON.stringify([gateway, code])
      const known = counts.get(key)
      if (known === undefined) counts.set(key, { gateway, code, count: entries })
      else known.count += entries
    },
    sorted: (): ChosenLetters[] => [...counts.values()].sort((a, b) => b.count - a.count),
  }
}
