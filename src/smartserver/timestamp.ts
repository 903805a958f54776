import type { Instant } from '../domain/instant.ts'

/**
 * Every form of protocol §3.2 that fixes a moment: ISO with `Z` or an offset, a blank for the `T`, with or without
 * `[Zone/Id]`, ` UTC` or ` GMT`, 0 … 9 fraction digits, seconds optional; and `Wed, 21 Apr 2021 17:35:10 GMT`.
 * A local time with only a zone name is ambiguous where clocks go back: undefined, as is anything else.
 */
export function parseTimestamp(text: string): Instant | undefined {
  return parseUsual(text) ?? parseIso(text) ?? parseHttpDate(text)
}

/** `2021-04-22T08:00:00.000Z[UTC]`, the only form seen on the log socket: read without a regular expression. */
function parseUsual(text: string): Instant | undefined {
  if (text.length !== 29 || !text.endsWith('Z[UTC]') || text[10] !== 'T' || text[19] !== '.') return undefined
  if (text[4] !== '-' || text[7] !== '-' || text[13] !== ':' || text[16] !== ':') return undefined
  const date = dateOf(digits(text, 0, 4), digits(text, 5, 2), digits(text, 8, 2))
  const time = timeOf(digits(text, 11, 2), digits(text, 14, 2), digits(text, 17, 2))
  const ms = date + time + digits(text, 20, 3)
  return Number.isNaN(ms) ? undefined : { ms, nanos: 0 }
}

const iso =
  /^(\d{4})-(\d{2})-(\d{2})[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?(?:(Z|[+-]\d{2}:?\d{2})(?:\[[^[\]]{1,64}\])?| (?:UTC|GMT|Z))$/

function parseIso(text: string): Instant | undefined {
  const found = iso.exec(text)
  if (found === null) return undefined
  const [, year, month, day, hour, minute, second = '0', fraction = '', offset = 'Z'] = found
  const nanosOfSecond = Number(fraction.padEnd(9, '0'))
  const ms =
    dateOf(Number(year), Number(month), Number(day)) +
    timeOf(Number(hour), Number(minute), Number(second)) +
    Math.floor(nanosOfSecond / 1_000_000) -
    offsetOf(offset)
  return Number.isNaN(ms) ? undefined : { ms, nanos: nanosOfSecond % 1_000_000 }
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const httpDate = /^[A-Z][a-z]{2}, (\d{1,2}) ([A-Z][a-z]{2}) (\d{4}) (\d{2}):(\d{2}):(\d{2})(?: GMT| UTC)?$/

function parseHttpDate(text: string): Instant | undefined {
  const found = httpDate.exec(text)
  if (found === null) return undefined
  const [, day, month = '', year, hour, minute, second] = found
  const ms =
    dateOf(Number(year), months.indexOf(month) + 1, Number(day)) + timeOf(Number(hour), Number(minute), Number(second))
  return Number.isNaN(ms) ? undefined : { ms, nanos: 0 }
}

/** NaN where a sign stands that is no digit. */
function digits(text: string, start: number, count: number): number {
  let value = 0
  for (let i = start; i < start + count; i++) {
    const digit = text.charCodeAt(i) - 48
    if (digit < 0 || digit > 9) return Number.NaN
    value = value * 10 + digit
  }
  return value
}

let lastDate = { key: Number.NaN, ms: Number.NaN }

/** Midnight UTC; NaN for a day that does not exist. Remembers the last day: entries come by the thousand a day. */
function dateOf(year: number, month: number, day: number): number {
  const key = year * 10_000 + month * 100 + day
  if (key === lastDate.key) return lastDate.ms
  // setUTCFullYear rather than Date.UTC, which takes the years 0 … 99 for 1900 … 1999
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  const exists = date.getUTCMonth() === month - 1 && date.getUTCDate() === day
  if (!exists) return Number.NaN
  lastDate = { key, ms: date.getTime() }
  return lastDate.ms
}

function timeOf(hour: number, minute: number, second: number): number {
  return hour > 23 || minute > 59 || second > 59 ? Number.NaN : ((hour * 60 + minute) * 60 + second) * 1000
}

function offsetOf(offset: string): number {
  if (offset === 'Z') return 0
  const hours = Number(offset.slice(1, 3))
  const minutes = Number(offset.slice(-2))
  if (hours > 18 || minutes > 59) return Number.NaN
  return (offset[0] === '-' ? -1 : 1) * (hours * 60 + minutes) * 60_000
}
