import { nanosecondsText } from '../../domain/instant.ts'
import type { FieldValue, Point, Series } from '../../domain/point.ts'
import { plainSpelling, type Spelling } from './names.ts'

/**
 * One line of line protocol, timestamp in nanoseconds. Numbers are always floats: the type of a field is fixed in the
 * database, and a value that happens to be whole must not make it an integer (measured on 1.6.7).
 */
export type LineOf = (point: Point) => string

/** Remembers what it has escaped: measurement and tags once a series, the names of fields once each. */
export function createLineFormat(spelling: Spelling): LineOf {
  const seriesTexts = new WeakMap<Series, string>()
  const keyTexts = new Map<string, string>()

  function seriesText(series: Series): string {
    let text = seriesTexts.get(series)
    if (text === undefined) {
      text = spelling.measurement(series.measurement).replace(/[, ]/g, '\\$&')
      for (const [key, value] of series.tags) text += `,${keyText(key)}=${escapeTag(spelling.value(value))}`
      seriesTexts.set(series, text)
    }
    return text
  }

  function keyText(name: string): string {
    let text = keyTexts.get(name)
    if (text === undefined) {
      text = escapeTag(spelling.key(name))
      // Members of structures are few, unless somebody logs with random names.
      if (keyTexts.size < 10_000) keyTexts.set(name, text)
    }
    return text
  }

  return ({ series, at, fields }) => {
    let text = ''
    for (const name in fields) text += `${text === '' ? '' : ','}${keyText(name)}=${fieldText(fields[name]!)}`
    return `${seriesText(series)} ${text} ${nanosecondsText(at)}`
  }
}

/** As every InfluxDB reads it. */
export const lineOf = createLineFormat(plainSpelling)

function fieldText(value: FieldValue): string {
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' ? `"${value.replace(/["\\]/g, '\\$&')}"` : value ? 'T' : 'F'
}

function escapeTag(text: string): string {
  return text.replace(/[,= ]/g, '\\$&')
}
