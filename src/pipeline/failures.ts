import { failures } from '../domain/failure.ts'

/** Failures of transfers and of loading a bundle. */
export const transferFailure = failures({
  'too-dense': {
    retry: 'soon',
    reach: 'request',
    meaning: 'A range holds more entries than one request should bring.',
    advice: 'Nothing has to be done: the program asks for shorter ranges.',
  },
  'bundle-damaged': {
    retry: 'never',
    reach: 'run',
    meaning: 'A file of a bundle is not as it was written.',
    advice: 'Copy the bundle again. What was loaded before stays; nothing of this file was recorded as complete.',
  },
})
