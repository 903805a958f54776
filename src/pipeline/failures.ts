import { failures } from '../domain/failure.ts'

/** Failures of transfers and of loading a bundle. */
export const transferFailure = failures({
  'too-dense': {
    retry: 'soon',
    reach: 'request',
    meaning: 'A range holds more entries than one request should bring.',
    advice: 'Nothing has to be done: the program asks for shorter ranges.',
  },
  'too-dense-for-shortest': {
    retry: 'never',
    reach: 'request',
    meaning: 'A range of the length requests.shortest holds twenty times as many entries as requests.entries.',
    advice:
      'The range is parked. If the gateway really logs so much, lower requests.shortest or raise requests.entries; otherwise look at what the gateway sends ("smartserver-etl capture").',
  },
  'bundle-damaged': {
    retry: 'never',
    reach: 'run',
    meaning: 'A file of a bundle is not as it was written, or is no regular file.',
    advice: 'Copy the bundle again. What was loaded before stays; nothing of this file was recorded as complete.',
  },
})
