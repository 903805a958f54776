import { failures } from '../domain/failure.ts'

/** Every failure of a database, or of the file or folder that points are written to. */
export const sinkFailure = failures({
  'database-away': {
    retry: 'soon',
    reach: 'sink',
    meaning: 'The database does not answer, or answers that it is busy.',
    advice: 'Is the database running? Nothing is lost: what was not acknowledged is fetched again.',
  },
  'disk-full': {
    retry: 'later',
    reach: 'sink',
    meaning: 'The disk of the database file is full.',
    advice: 'Make room on the disk; the transfer goes on from where it was.',
  },
  'sink-answer-too-large': {
    retry: 'never',
    reach: 'sink',
    meaning: 'An answer of the database is larger than this program holds in memory.',
    advice: 'Ask for less at a time: verify a shorter range with --from and --to.',
  },
  'sink-busy': {
    retry: 'later',
    reach: 'sink',
    meaning: 'The database is too busy to answer.',
    advice: 'Look into the log of the database.',
  },
  'sink-damaged': {
    retry: 'never',
    reach: 'sink',
    meaning: 'The SQLite file is damaged.',
    advice: 'Move the file away (sqlite3 <file> .recover may save what is in it) and let it be made and filled again.',
  },
  'sink-denied': {
    retry: 'never',
    reach: 'sink',
    meaning: 'The login, the token or this user may not write there.',
    advice: 'Let this user read and write the file and its folder.',
  },
  'sink-foreign': {
    retry: 'never',
    reach: 'sink',
    meaning: 'The file or folder was not created by this program, or was created by a later release.',
    advice: 'It was left as it is: choose another path.',
  },
  'sink-full': {
    retry: 'never',
    reach: 'sink',
    meaning: 'The database has reached one of its limits: columns, tables or databases.',
    advice: 'Write to another measurement, or remove what is not needed from the database.',
  },
  'sink-io': {
    retry: 'later',
    reach: 'sink',
    meaning: 'The disk failed to read or write.',
    advice: 'Look at the disk: the system log says more.',
  },
  'sink-keeps-series': {
    retry: 'never',
    reach: 'sink',
    meaning: 'The database cannot remove the points of a series without removing others.',
    advice: 'Leave the points where they are, or remove the measurement or table with the tools of the database.',
  },
  'sink-missing': {
    retry: 'never',
    reach: 'sink',
    meaning: 'The database, bucket, organization or retention policy does not exist.',
    advice: 'Create it, or correct its name in the configuration.',
  },
  'sink-refuses': {
    retry: 'never',
    reach: 'sink',
    meaning: 'The server refuses every request, or something else than a database answers there.',
    advice: 'Check the URL: what answers there is not the write API of InfluxDB.',
  },
  'sink-replaced': {
    retry: 'never',
    // the sink is named by the file that is gone: nothing can be proven by that name any more
    reach: 'run',
    meaning: 'The SQLite file was removed, moved or replaced while the program had it open.',
    advice: 'Start the program again: it compares the file with the ledger, and fetches what is not in it.',
  },
  'sink-tls': {
    retry: 'never',
    reach: 'sink',
    meaning: 'The certificate of the server is not trusted, or the server speaks no TLS.',
    advice: "Give the certificate of the database's authority as ca, or use the name that the certificate is for.",
  },
  'sink-unreachable': {
    retry: 'later',
    reach: 'sink',
    meaning: 'The database gives no answer to a query.',
    advice: 'Check that the database is running and that its address is right as seen from this machine.',
  },
  'sink-unreadable': {
    retry: 'never',
    reach: 'sink',
    meaning: 'The database does not answer a query with what was asked for.',
    advice: 'The message holds the text of the database.',
  },
  'sink-version': {
    retry: 'never',
    reach: 'sink',
    meaning:
      'The configuration is for another version of the database, or names something that this version does not know.',
    advice: 'Set version: in the configuration to that of the database.',
  },
})
