import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { decodeUtf8 } from '../domain/utf8.ts'
import type { Entry, History } from './history.ts'
import { createRecordedRequest, type RecordedRequest, recordedCut } from './recorded-request.ts'
import { createRecording } from './recording.ts'
import { createRoster, type RecordedPath, type Roster } from './roster.ts'
import type { JsonValue } from './signals.ts'
import { formatMoment, parseMoment } from './timestamps.ts'

interface Capture {
  /** The first line of the file. */
  readonly header: Readonly<Record<string, unknown>>
  readonly history: History
}

/**
 * Reads a capture made on a real gateway: one JSON object a line, the header `{"capture":1,…}`, then for each request
 * `{"request":…}`, its `{"frame":"raw text"}` lines and `{"close":code,"end":true}`. Frames that several overlapping requests
 * brought are kept once; what one request brought twice stays twice. A frame without a datapoint, and the way a request was
 * cut, are met again by every request that overlaps it and covers the place. Throws Error with the line of what it cannot read.
 */
export async function loadCapture(path: string): Promise<Capture> {
  // bytes until the line is whole: a line separator of Unicode (U+2028) ends no line of JSON
  const lines = createInterface({ input: createReadStream(path, 'latin1'), crlfDelay: Number.POSITIVE_INFINITY })
  return readCapture(decoded(lines))
}

async function* decoded(lines: AsyncIterable<string>): AsyncIterable<string> {
  let number = 0
  for await (const line of lines) {
    number++
    const read = decodeUtf8(Buffer.from(line, 'latin1'))
    if (typeof read !== 'string') throw new Error(`line ${number}: ${read.message}`)
    yield number === 1 ? read.replace(/^\ufeff/, '') : read
  }
}

/** The same from lines of text. */
export async function readCapture(lines: AsyncIterable<string> | Iterable<string>): Promise<Capture> {
  const roster = createRoster()
  const rows: Entry[] = []
  const kept = new Map<string, number>()
  let header: Readonly<Record<string, unknown>> | undefined
  let seen = new Map<string, number>()
  let current = createRecordedRequest({}, { ms: -1, nanos: 0 })
  let number = 0
  for await (const line of lines) {
    number += 1
    if (line.trim() === '') continue
    const record = parseObject(line)
    if (record === undefined) throw new Error(`line ${number}: no JSON object`)
    if (header === undefined) {
      if (record['capture'] !== 1)
        throw new Error(`line ${number}: not the header of a capture, {"capture":1,…} expected`)
      header = record
      continue
    }
    const request = record['request']
    if (typeof request === 'object' && request !== null) {
      seen = new Map()
      current = createRecordedRequest(request as Readonly<Record<string, unknown>>, current.place())
      continue
    }
    const frame = record['frame']
    if (typeof frame !== 'string') {
      if (!('close' in record)) throw new Error(`line ${number}: neither request, frame nor close`)
      const cut = record['end'] === false ? recordedCut(record) : undefined
      if (cut !== undefined) rows.push({ ...strayEntry(current), cut })
      continue
    }
    const isAfterEnd = record['afterEnd'] === true
    if (frame === '"end"' && !isAfterEnd) continue
    const row = isAfterEnd
      ? { ...strayEntry(current), raw: frame, isAfterEnd }
      : (readFrame(frame, roster) ?? { ...strayEntry(current), raw: frame })
    // Overlapping requests bring the same frame; the same nonsense at another place is another one.
    const key = row.datapoint.strayOf === undefined ? frame : JSON.stringify([row.ms, row.nanos, frame])
    const count = (seen.get(key) ?? 0) + 1
    seen.set(key, count)
    if (row.datapoint.strayOf === undefined) current.pass(row)
    if (count <= (kept.get(key) ?? 0)) continue
    kept.set(key, count)
    rows.push(row)
  }
  if (header === undefined) throw new Error('line 1: the file is empty')
  return { header, history: createRecording(roster.devices(), rows) }
}

/** undefined for what no datapoint or time can be read from. */
function readFrame(raw: string, roster: Roster): Entry | undefined {
  const entry = parseObject(raw) ?? {}
  const moment = typeof entry['utc'] === 'string' ? parseMoment(entry['utc']) : undefined
  const path = readPath(entry)
  if (moment === undefined || path === undefined) return undefined
  const { ms, nanos, digits } = moment
  const value = (entry['value'] ?? null) as JsonValue
  const texts = { utcText: formatMoment(ms, nanos, digits), valueText: JSON.stringify(value) }
  return { datapoint: roster.find(path), ms, nanos, value, ...texts, storedAt: Number.NEGATIVE_INFINITY, raw }
}

function strayEntry({ stray, place }: RecordedRequest): Entry {
  const { ms, nanos } = place()
  const texts = { utcText: formatMoment(ms, nanos, 3), valueText: 'null' }
  return { datapoint: stray, ms, nanos, value: null, ...texts, storedAt: Number.NEGATIVE_INFINITY }
}

function readPath(entry: Readonly<Record<string, unknown>>): RecordedPath | undefined {
  const { deviceName, blockName, blockIndex, datapointName, name, deviceId, dpQualifier } = entry
  if (typeof deviceName !== 'string' || typeof blockName !== 'string' || typeof datapointName !== 'string')
    return undefined
  const id = /^\d+$/.test(String(deviceId)) ? { deviceId: Number(deviceId) } : {}
  const did = typeof dpQualifier === 'string' ? { did: dpQualifier.split('/')[2] ?? '' } : {}
  return {
    device: deviceName,
    ...id,
    ...did,
    block: blockName,
    index: Number(blockIndex ?? 0),
    xif: datapointName,
    name: typeof name === 'string' ? name : null,
    dpQualifier: typeof dpQualifier === 'string' ? dpQualifier : null,
  }
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}
