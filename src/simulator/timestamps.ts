const minuteMs = 60_000
const quarterMs = 15 * minuteMs

/** A moment finer than a millisecond: `nanos` counts the nanoseconds within the millisecond, 0 to 999 999. */
export interface Moment {
  readonly ms: number
  readonly nanos: number
}

/** Negative, zero or positive as `a` is before, at or after `b`, with all digits. */
export function compareMoments(a: Moment, b: Moment): number {
  return a.ms - b.ms || a.nanos - b.nanos
}

let minute = Number.NaN
let minuteText = ''

/** `YYYY-MM-DDTHH:MM:SS` and `digits` (0 to 9) fraction digits; ms of UTC, or of a zone's wall clock already shifted. */
export function formatMoment(ms: number, nanos: number, digits: number): string {
  const start = Math.floor(ms / minuteMs)
  if (start !== minute) {
    // Rows come mostly in order of time, so the date is formatted once a minute instead of once a row.
    minute = start
    minuteText = new Date(start * minuteMs).toISOString().slice(0, 17)
  }
  const rest = ms - start * minuteMs
  const seconds = Math.floor(rest / 1000)
  const text = minuteText + (seconds < 10 ? '0' : '') + seconds
  if (digits === 0) return text
  const millis = rest - seconds * 1000
  const three = `${millis < 10 ? '00' : millis < 100 ? '0' : ''}${millis}`
  if (digits === 3) return `${text}.${three}`
  return `${text}.${(three + String(nanos).padStart(6, '0')).slice(0, digits)}`
}

/** The same time as Java's ZonedDateTime prints it: fraction in groups of three digits, zero groups and zero seconds left out (§3.2). */
export function trimMoment(text: string): string {
  let [whole = '', fraction = ''] = text.split('.')
  fraction = fraction.padEnd(Math.ceil(fraction.length / 3) * 3, '0').replace(/(?:000)+$/, '')
  if (fraction !== '') return `${whole}.${fraction}`
  if (whole.endsWith(':00')) whole = whole.slice(0, -3)
  return whole
}

const momentPattern = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)\.(\d{3})$/

/**
 * ms UTC of the one documented query form `YYYY-MM-DDTHH:MM:SS.mmm` (protocol §2.2: no `Z`, no offset), the `T` in either case,
 * as the vendor's page sends it; undefined for all else.
 */
export function parseQueryTime(given: string): number | undefined {
  const text = given.replace('t', 'T')
  if (!momentPattern.test(text)) return undefined
  const ms = Date.parse(`${text}Z`)
  if (Number.isNaN(ms)) return undefined
  // 30 February and the like roll over in Date; the gateway's parser would not.
  return formatMoment(ms, 0, 3) === text ? ms : undefined
}

const isoPattern =
  /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:\d\d)?(?: UTC|\[[^\]]*\])?$/

/** Reads an ISO 8601 time with `Z`, an offset or ` UTC`, a zone in brackets behind it ignored; undefined for all else. */
export function parseMoment(text: string): (Moment & { readonly digits: number }) | undefined {
  const [, date, minutes, seconds = '00', fraction = '', offset] = isoPattern.exec(text) ?? []
  if (date === undefined || (offset === undefined && !text.endsWith(' UTC'))) return undefined
  const whole = Date.parse(`${date}T${minutes}:${seconds}${offset ?? 'Z'}`)
  if (Number.isNaN(whole)) return undefined
  const nanos = Number(fraction.padEnd(9, '0'))
  return { ms: whole + Math.floor(nanos / 1e6), nanos: nanos % 1_000_000, digits: fraction.length }
}

export interface Zone {
  readonly name: string
  /** `-07:00[America/Los_Angeles]`, or `Z[UTC]`, as it stands behind a local time (protocol §3.2). */
  suffix(ms: number): string
  /** ms to add to UTC for the wall clock of the zone. */
  offsetMs(ms: number): number
}

/** A zone by its IANA name; throws RangeError for a name Node does not know. */
export function createZone(name: string): Zone {
  if (name === 'UTC') return { name, suffix: () => 'Z[UTC]', offsetMs: () => 0 }
  const format = new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: 'longOffset' })
  let quarter = Number.NaN
  let suffix = ''
  let offset = 0
  // Offsets change only at whole quarter hours of UTC, so one look-up a quarter is enough.
  const look = (ms: number) => {
    if (Math.floor(ms / quarterMs) === quarter) return
    quarter = Math.floor(ms / quarterMs)
    const text = format.formatToParts(ms).find(part => part.type === 'timeZoneName')?.value ?? 'GMT'
    const parts = /^GMT([+-])(\d\d):(\d\d)/.exec(text)
    offset = parts ? (parts[1] === '-' ? -1 : 1) * (Number(parts[2]) * 60 + Number(parts[3])) * minuteMs : 0
    suffix = `${parts ? `${parts[1]}${parts[2]}:${parts[3]}` : 'Z'}[${name}]`
  }
  return {
    name,
    suffix(ms) {
      look(ms)
      return suffix
    },
    offsetMs(ms) {
      look(ms)
      return offset
    },
  }
}
