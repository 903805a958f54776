import type { LetterCount } from '../dead-letters/letter-index.ts'
import { countOf } from './format.ts'
import type { Terminal } from './terminal.ts'

/** As in every closing receipt: what is missing, and what was given up. */
export function lettersJson({ open, discarded }: LetterCount) {
  return { deadLetters: open, ...(discarded.length > 0 && { discarded }) }
}

export function notWritten(count: number, of: string): string {
  return `${countOf(count, 'entry', 'entries')} of ${of} could not be written: see "dead-letters".`
}

/** `2 entries discarded on purpose: test frames`, one text for each reason. */
export function discardedTexts({ discarded }: LetterCount): string[] {
  return discarded.map(
    ({ reason, entries }) => `${countOf(entries, 'entry', 'entries')} discarded on purpose: ${reason}`,
  )
}

export function tellDiscarded(letters: LetterCount, terminal: Terminal): void {
  for (const words of discardedTexts(letters)) terminal.out(`Not in the database: ${words}`)
}
