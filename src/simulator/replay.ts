import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Entry, History } from './history.ts'
import { createRecording } from './recording.ts'
import { createRoster, type RecordedPath, type Roster } from './roster.ts'
import type { JsonValue } from './signals.ts'
import type { Datapoint } from './site.ts'
import { formatMoment, parseMoment } from './timestamps.ts'

export interface Capture {
  /** The first line of the file. */
  readonly header: Readonly<Record<string, unknown>>
  readonly history: History
}

/**
 * Reads a capture made on a real gateway: one JSON object a line, the header `{"capture":1,…}`, then for each request
 * `{"request":…}`, its `{"frame":"raw text"}` lines and `{"close":code}`. Frames that several overlapping requests brought are
 * kept once; what one request brought twice stays twice. Throws Error with the line of what it cannot read.
 */
export async function loadCapture(path: string): Promise<Capture> {
  const lines = createInterface({ input: createReadStream(path, 'utf8'), crlfDelay: Number.POSITIVE_INFINITY })
  return readCapture(lines)
}

/** The same from lines of text. */
export async function readCapture(lines: AsyncIterable<string> | Iterable<string>): Promise<Capture> {
  const roster = createRoster()
  const rows: Entry[] = []
  const kept = new Map<string, number>()
  let header: Readonly<Record<string, unknown>> | undefined
  let seen = new Map<string, number>()
  let time = 0
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
      // What cannot be dated takes its place behind what came before it, at first the begin of the range.
      time = Number((request as Readonly<Record<string, unknown>>)['after'] ?? time) + 1
      continue
    }
    const frame = record['frame']
    if (typeof frame !== 'string') {
      if ('close' in record) continue
      throw new Error(`line ${number}: neither request, frame nor close`)
    }
    if (frame === '"end"') continue
    const count = (seen.get(frame) ?? 0) + 1
    seen.set(frame, count)
    if (count <= (kept.get(frame) ?? 0)) continue
    kept.set(frame, count)
    const row = readFrame(frame, roster, time)
    time = row.ms
    rows.push(row)
  }
  if (header === undefined) throw new Error('line 1: the file is empty')
  return { header, history: createRecording(roster.devices(), rows) }
}

/** Stands for what no datapoint can be read from: only requests for everything get it. */
const nobody: Datapoint = {
  ordinal: -1,
  id: -1,
  deviceId: -1,
  device: '',
  block: '',
  index: -1,
  xif: '',
  name: null,
  qualifier: '',
  dpQualifier: null,
  logInterval: 0,
}

function readFrame(raw: string, roster: Roster, time: number): Entry {
  const entry = parseObject(raw) ?? {}
  const moment = typeof entry['utc'] === 'string' ? parseMoment(entry['utc']) : undefined
  const path = readPath(entry)
  const { ms, nanos, digits } = moment ?? { ms: time, nanos: 0, digits: 3 }
  const value = (entry['value'] ?? null) as JsonValue
  return {
    datapoint: moment === undefined || path === undefined ? nobody : roster.find(path),
    ms,
    nanos,
    utcText: formatMoment(ms, nanos, digits),
    value,
    valueText: JSON.stringify(value),
    storedAt: Number.NEGATIVE_INFINITY,
    raw,
  }
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
