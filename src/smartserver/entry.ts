import type { DatapointName } from '../domain/datapoint.ts'
import type { Frame, LogEntry, LoggedValue, Rejection } from '../domain/entry.ts'
import { parseTimestamp } from './timestamp.ts'

/** The reason of a frame that is no entry gone wrong, but word of a query gone wrong. */
export const gatewayError = 'gateway-error'

/**
 * Reads one frame of the data-log socket (protocol §3.1): fields missing, null or more than known, ids as number or
 * string. What cannot be read without guessing is a rejection with its reason (law 13). Never throws.
 */
export function decodeEntry(frame: Frame): LogEntry | Rejection {
  let json: unknown
  try {
    json = parseFrame(frame)
  } catch {
    return { reason: 'not-json', detail: 'the frame is not JSON' }
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    return { reason: 'not-an-entry', detail: 'the frame is not a JSON object' }
  const entry = entryOf(json as Record<string, unknown>)
  return 'reason' in entry || !holdsLargeNumber(entry.value)
    ? entry
    : { ...entry, exact: exactValue(frame, entry.value) }
}

/** From here on a float does not hold every whole number. */
const largest = 2 ** 53
/** Deeper structures are rejected. */
const deepest = 10

function holdsLargeNumber(value: LoggedValue, depth = 0): boolean {
  if (typeof value === 'number') return Math.abs(value) >= largest && Number.isFinite(value)
  if (typeof value !== 'object' || value === null || depth > deepest) return false
  return Object.values(value).some(inner => holdsLargeNumber(inner, depth + 1))
}

/** The digits are in the frame alone. */
function exactValue(frame: Frame, value: LoggedValue): LoggedValue | undefined {
  try {
    const json = JSON.parse(frame, keepDigits) as { readonly value: LoggedValue }
    return JSON.stringify(json.value) === JSON.stringify(value) ? undefined : json.value
  } catch {
    return undefined
  }
}

function keepDigits(_: string, value: unknown, { source }: { source?: string } = {}): unknown {
  return typeof value === 'number' && source !== undefined && isRounded(source, value) ? source : value
}

/** Whether a float that is printed with as many digits gives others. What a float was printed from is held, so. */
function isRounded(source: string, value: number): boolean {
  const digits = digitsOf(source)
  return (
    Math.abs(value) >= largest && (digits.length > 100 || digitsOf(value.toPrecision(digits.length || 1)) !== digits)
  )
}

function digitsOf(number: string): string {
  return number.replace(/e.*$/i, '').replace(/\D/g, '').replace(/^0+/, '')
}

const textOrBareWord = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\b(?:nan|inf(?:inity)?)\b/gi
const nanMark = '\0NaN'

/** JSON, and with it the bare words that printing a float gives: NaN, Infinity, -Infinity, nan, inf. Throws for all else. */
function parseFrame(frame: Frame): unknown {
  try {
    return JSON.parse(frame)
  } catch (error) {
    let hasNaN = false
    const text = frame.replace(textOrBareWord, found => {
      if (found.startsWith('"')) return found
      if (!/nan/i.test(found)) return found.startsWith('-') ? '-1e999' : '1e999'
      hasNaN = true
      return JSON.stringify(nanMark)
    })
    if (text === frame) throw error
    return hasNaN ? JSON.parse(text, (_, value) => (value === nanMark ? Number.NaN : value)) : JSON.parse(text)
  }
}

function entryOf(json: Record<string, unknown>): LogEntry | Rejection {
  const { utc, value } = json
  // how errors are reported on the socket is not documented (protocol §10.2)
  if (utc === undefined && value === undefined && json['error'] !== undefined)
    return { reason: gatewayError, detail: 'the gateway sent an error instead of an entry' }
  if (typeof utc !== 'string') return { reason: 'no-utc', detail: 'the entry has no utc text' }
  const at = parseTimestamp(utc)
  if (at === undefined) return { reason: 'bad-utc', detail: 'the utc text is no moment that can be read' }
  const datapoint = nameOf(json)
  if ('reason' in datapoint) return datapoint
  // JSON has no undefined: the member is missing, which no release is known to do. Not the same as null.
  if (value === undefined) return { reason: 'no-value', detail: 'the entry has no member "value"' }
  const localized = json['localizedValue'] ?? json['locValue']
  return {
    datapoint,
    at,
    value: value as LoggedValue,
    localized: localized as LoggedValue | undefined,
    health: text(json['deviceHealth']),
  }
}

function nameOf(json: Record<string, unknown>): DatapointName | Rejection {
  let block = text(json['blockName'])
  let index = indexOf(json['blockIndex'])
  let xif = text(json['datapointName'])
  if (block === undefined || index === undefined || xif === undefined) {
    const qualifier = qualifierOf(json['dpQualifier'])
    block ??= qualifier?.block
    index ??= qualifier?.index
    xif ??= qualifier?.xif ?? text(json['name'])
  }
  const device = text(json['deviceName'])
  if (device === undefined) return { reason: 'no-device', detail: 'the entry names no device' }
  if (block === undefined || index === undefined || xif === undefined)
    return { reason: 'no-datapoint', detail: 'the entry names no block, index or datapoint' }
  // an absent or empty instance name means the XIF name (protocol §3.1, B:3761)
  return { device, deviceId: idOf(json['deviceId']), block, index, name: text(json['name']) ?? xif, xif }
}

/** `segment/protocol/DID/block/index/xif`; null in some 3.1 builds. Only read where the plain members are missing. */
function qualifierOf(value: unknown): { block: string; index: number; xif: string } | undefined {
  if (typeof value !== 'string') return undefined
  const parts = value.split('/')
  const [block, indexText, xif] = parts.slice(3)
  const index = indexOf(indexText)
  // more parts mean that a name holds a slash: which one is not known
  if (parts.length !== 6 || !block || index === undefined || !xif) return undefined
  return { block, index, xif }
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** A number on the socket, `"0"` in older REST samples. */
function indexOf(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isInteger(value) && value >= 0 ? value : undefined
  return typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : undefined
}

function idOf(value: unknown): string {
  return typeof value === 'number' || typeof value === 'string' ? String(value) : ''
}
