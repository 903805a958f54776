import { failures } from '../domain/failure.ts'

/** Failures of the store of dead letters. */
export const deadLetterFailure = failures({
  'dead-letters-full': {
    retry: 'never',
    reach: 'gateway',
    retryAfterMs: 900_000,
    meaning: 'The dead letters of one gateway have grown to its share of deadLetters.maxSize.',
    advice:
      '"smartserver-etl dead-letters" shows what is wrong with them. Correct it and replay them, discard them ("dead-letters discard") or raise maxSize, and start again. Nothing of this range was recorded as complete.',
  },
  'dead-letters-failed': {
    retry: 'never',
    reach: 'run',
    meaning: 'Dead letters cannot be read or written.',
    advice: 'Check the permissions and the free space of its folder. Nothing was recorded as complete.',
  },
})
