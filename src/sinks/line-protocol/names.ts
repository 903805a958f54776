/** How measurements, keys and the values of tags are written. Two different names are never written alike. */
export interface Spelling {
  readonly measurement: (name: string) => string
  readonly key: (name: string) => string
  readonly value: (name: string) => string
}

export const plainSpelling: Spelling = { measurement: measurementName, key: nameText, value: nameable }

/**
 * For VictoriaMetrics, which reads `\\` as one backslash and loses, with a 204, a line with a backslash before an escaped
 * sign (measured on 1.79): a backslash is written as ␥.
 */
export const spellingWithoutBackslash: Spelling = {
  measurement: name => withoutBackslash(measurementName(name)),
  key: name => withoutBackslash(nameText(name)),
  value: name => withoutBackslash(nameable(name)),
}

function withoutBackslash(text: string): string {
  return text.replaceAll('\\', backslash)
}

/** A line that begins with # is a comment: the database would answer 204 and keep nothing. */
export function measurementName(name: string): string {
  const text = nameable(name)
  return text.startsWith('#') ? mark + text : text
}

/** The name of a tag or field. InfluxDB drops those called time, a field even with a 204 (measured on 1.6.7). */
export function nameText(name: string): string {
  return name === 'time' ? `${mark}time` : nameable(name)
}

/** What `nameText` and `nameable` have made of a name, undone. */
export function originalName(text: string): string {
  return text.replace(/\u2426([\s\S]|$)|[\u2400-\u2421\u2425]/g, (sign, kept: string | undefined) => {
    if (kept !== undefined) return kept
    if (sign === backslash) return '\\'
    return sign === '\u2421' ? '\x7f' : String.fromCharCode(sign.charCodeAt(0) - 0x2400)
  })
}

/** "␥": stands for a backslash where the database cannot hold one. A name's own ␥ has the mark in front of it. */
const backslash = '\u2425'

/** "␦", a symbol that no device name has: what follows stands for itself; at the end it stands for nothing. */
const mark = '\u2426'

/**
 * What line protocol cannot hold in a name, written so that two different names never become one:
 * control characters as their pictures (a newline as ␊), a picture itself with ␦ in front of it,
 * and ␦ at the end of a name that is empty or ends in a backslash. All other names stay as they are.
 */
export function nameable(name: string): string {
  if (!unnameable.test(name)) return name
  const text = name.replace(/[\x00-\x1f\x7f\u2400-\u2426]/g, sign => {
    const code = sign.charCodeAt(0)
    if (code >= 0x2400) return mark + sign
    return code === 0x7f ? '\u2421' : String.fromCharCode(0x2400 + code)
  })
  return text === '' || text.endsWith('\\') ? text + mark : text
}

const unnameable = /[\x00-\x1f\x7f\u2400-\u2426]|\\$|^$/
