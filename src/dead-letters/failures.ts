import { failures } from '../domain/failure.ts'

/** Failures of the store of dead letters. */
export const deadLetterFailure = failures({
  'dead-letters-full': {
    retry: 'never',
    reach: 'run',
    meaning: 'The dead letters have grown to deadLetters.maxSize.',
    advice:
      '"smartserver-etl dead-letters" shows what is wrong with them. Correct it and replay them, move them away, or raise maxSize. Nothing was recorded as complete.',
  },
  'dead-letters-failed': {
    retry: 'never',
    reach: 'run',
    meaning: 'A dead letter cannot be written.',
    advice: 'Check the permissions and the free space of its folder. Nothing was recorded as complete.',
  },
})
