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
  'rule-changed': {
    retry: 'never',
    reach: 'run',
    meaning:
      'What the points of a datapoint are made by (measurement, field, tags, scale, offset, enumeration …) was changed in the configuration since its points were written.',
    advice:
      'Nothing more of it is fetched before you choose: "rule remap" fetches the past again, "rule from-now" begins anew and keeps the past as it is, "rule same" takes both for the same. "rule" alone shows what has changed.',
  },
  'database-changed': {
    retry: 'soon',
    reach: 'sink',
    meaning: 'The database was made anew or put back from a copy while a range was written to it.',
    advice: 'Nothing has to be done: the range is asked for again.',
  },
  'bundle-damaged': {
    retry: 'never',
    reach: 'run',
    meaning: 'A file of a bundle is not as it was written, or is no regular file.',
    advice: 'Copy the bundle again. What was loaded before stays; nothing of this file was recorded as complete.',
  },
})
