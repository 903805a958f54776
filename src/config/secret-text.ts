/**
 * What is wrong with the text of a user name, password or token, as the end of `the text …`. A byte order mark, a line end
 * or a damaged sign would be sent and rejected, and each try is one toward the lock of the account. Never shows the text.
 */
export function secretFault(text: string): string | undefined {
  if (text.startsWith('\ufeff')) return 'begins with a byte order mark (U+FEFF); save it as UTF-8 without one'
  if (text.includes('\ufffd')) return 'holds U+FFFD; it was not UTF-8'
  if (/\r/.test(text)) return 'holds a carriage return, as files from Windows do; take it out'
  if (/\n/.test(text)) return 'has more than one line; take out the line ends'
  return /\p{Cc}/u.test(text) ? 'holds a control character; take it out' : undefined
}

/** The same of text that no one has put in quotes: blanks at its ends are not meant. */
export function blankFault(text: string): string | undefined {
  if (/\s$/u.test(text)) return 'ends in a blank; take it out'
  return /^\s/u.test(text) ? 'begins with a blank; take it out' : undefined
}
