const goesOn = 'What was recorded stays; the same command goes on from there.'

/** What a stopped command leaves behind; those that leave nothing are not listed. */
const remarks: Readonly<Record<string, string>> = {
  demo: goesOn,
  backfill: goesOn,
  sync: goesOn,
  retry: goesOn,
  load: goesOn,
  'verify --heal': 'What was written again stays; the same command goes on from there.',
  capture: 'What came so far is in the recording, if it was begun; a new one needs a new file.',
  'dead-letters replay': 'Letters that are not done are all there still; the same command tries them again.',
}

/** The last line after Ctrl-C. `command`: as it is written on the command line, `verify --heal`. */
export function stopMessage(command: string): string {
  const remark = remarks[command]
  return remark === undefined ? 'Stopped.' : `Stopped. ${remark}`
}
