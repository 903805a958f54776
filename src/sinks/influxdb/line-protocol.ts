import { nanosecondsText } from '../../domain/instant.ts'
import type { FieldValue, Point, Series } from '../../domain/point.ts'

/**
 * One line of line protocol, timestamp in nanoseconds. Numbers are always floats: the type of a field is fixed in the
 * database, and a value that happens to be whole must not make it an integer (measured on 1.6.7).
 */
export function lineOf({ series, at, fields }: Point): string {
  let text = ''
  for (const name in fields) text += `${text === '' ? '' : ','}${keyText(name)}=${fieldText(fields[name]!)}`
  return `${seriesText(series)} ${text} ${nanosecondsText(at)}`
}

const seriesTexts = new WeakMap<Series, string>()

/** Measurement and tags, escaped once a series. */
function seriesText(series: Series): string {
  let text = seriesTexts.get(series)
  if (text === undefined) {
    text = measurementText(series.measurement)
    for (const [key, value] of series.tags) text += `,${keyText(key)}=${escapeTag(nameable(value))}`
    seriesTexts.set(series, text)
  }
  return text
}

const keyTexts = new Map<string, string>()

function keyText(name: string): string {
  let text = keyTexts.get(name)
  if (text === undefined) {
    text = escapeTag(nameText(name))
    // Members of structures are few, unless somebody logs with random names.
    if (keyTexts.size < 10_000) keyTexts.set(name, text)
  }
  return text
}

function fieldText(value: FieldValue): string {
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' ? `"${value.replace(/["\\]/g, '\\$&')}"` : value ? 'T' : 'F'
}

function measurementText(name: string): string {
  return measurementName(name).replace(/[, ]/g, '\\$&')
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
  return text.replace(/\u2426([\s\S]|$)|[\u2400-\u2421]/g, (sign, kept: string | undefined) => {
    if (kept !== undefined) return kept
    return sign === '\u2421' ? '\x7f' : String.fromCharCode(sign.charCodeAt(0) - 0x2400)
  })
}

function escapeTag(text: string): string {
  return text.replace(/[,= ]/g, '\\$&')
}

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
