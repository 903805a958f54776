/** The first place where bytes are not UTF-8. */
export interface NotUtf8 {
  /** From 1; columns in UTF-16 units, as editors count. */
  readonly line: number
  readonly column: number
  /** Of the byte, from 0. */
  readonly offset: number
  /** For people: what the text seems to be, and what to do. */
  readonly message: string
}

const newline = 0x0a
const strict = { fatal: true, ignoreBOM: true }

/**
 * The text of UTF-8 bytes, with its byte order mark if there is one; where they are none, the place. Other encodings are
 * not guessed: a name that is read in a wrong one finds nothing on a gateway, or becomes a tag for good.
 */
export function decodeUtf8(bytes: Uint8Array): string | NotUtf8 {
  const utf16 = utf16Name(bytes)
  if (utf16 !== undefined) return { line: 1, column: 1, offset: 0, message: `this is ${utf16}: save it as UTF-8` }
  const text = strictly(bytes)
  return text ?? firstFault(bytes)
}

/** By its byte order mark, or by the zeros between the letters of the first line. */
function utf16Name(bytes: Uint8Array): string | undefined {
  const [first, second] = bytes
  if (first === 0xff && second === 0xfe) return 'UTF-16 LE'
  if (first === 0xfe && second === 0xff) return 'UTF-16 BE'
  if (bytes.length < 2 || bytes.length % 2 === 1) return undefined
  const letters = bytes.subarray(0, 16)
  const isZero = (parity: number) => letters.every((byte, i) => i % 2 !== parity || byte === 0)
  if (isZero(1) && first !== 0) return 'UTF-16 LE'
  return isZero(0) && second !== 0 ? 'UTF-16 BE' : undefined
}

function firstFault(bytes: Uint8Array): NotUtf8 {
  let line = 1
  let start = 0
  for (;;) {
    const end = bytes.indexOf(newline, start)
    const whole = bytes.subarray(start, end === -1 ? bytes.length : end)
    if (end === -1 || strictly(whole) === undefined) {
      const before = longestText(whole)
      const offset = start + before.bytes
      const byte = (bytes[offset] ?? 0).toString(16).toUpperCase().padStart(2, '0')
      const message = `the byte 0x${byte} (at ${offset}) is not UTF-8: save the file as UTF-8. It may be Latin-1 or Windows-1252`
      return { line, column: before.text.length + 1, offset, message }
    }
    start = end + 1
    line++
  }
}

/** The longest beginning that is UTF-8. */
function longestText(bytes: Uint8Array): { text: string; bytes: number } {
  // a line may be a whole file of megabytes: halves instead of one byte at a time
  let [low, high] = [0, bytes.length]
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (begins(bytes.subarray(0, middle))) low = middle
    else high = middle - 1
  }
  // the beginning of a sign that is not ended well
  while (low > 0 && strictly(bytes.subarray(0, low)) === undefined) low--
  return { text: strictly(bytes.subarray(0, low)) ?? '', bytes: low }
}

function begins(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', strict).decode(bytes, { stream: true })
    return true
  } catch {
    return false
  }
}

function strictly(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', strict).decode(bytes)
  } catch {
    return undefined
  }
}
