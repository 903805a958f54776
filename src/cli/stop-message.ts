const goesOn = 'What was recorded is kept; the same command continues from there.'

/** What a stopped command leaves behind; those that leave nothing are not listed. */
const remarks: Readonly<Record<string, string>> = {
  demo: goesOn,
  backfill: goesOn,
  sync: goesOn,
  retry: goesOn,
  load: goesOn,
  'verify --heal': 'What was written again is kept; the same command continues from there.',
  capture: 'What was received so far is in the recording; a new recording needs a new file.',
  'dead-letters replay': 'Letters that were not tried yet are kept; the same command tries them again.',
}

/** The last line after Ctrl-C. `command`: as it is written on the command line, `verify --heal`. */
export function stopMessage(command: string): string {
  const remark = remarks[command]
  return remark === undefined ? 'Stopped.' : `Stopped. ${remark}`
}
