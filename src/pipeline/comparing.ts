import { isRejection } from '../domain/entry.ts'
import { Failure } from '../domain/failure.ts'
import { isoText } from '../domain/instant.ts'
import type { FieldValue, Point, Series } from '../domain/point.ts'
import type { DataLogRequest } from '../domain/request.ts'
import type { Mapping } from '../points/mapping.ts'
import { openSeriesPool } from '../points/series.ts'
import type { Sink } from '../sinks/sink.ts'
import { decodeEntry } from '../smartserver/entry.ts'
import { createAskedFor } from './asked-for.ts'
import { createIdentify } from './identify.ts'
import { seriesLabel } from './letter-point.ts'
import { joinFields } from './repeats.ts'
import type { LogSource } from './transfer.ts'

/** One window, entry by entry: what the gateway has now, against what the database holds. */
export interface Comparison {
  equal: number
  /** The gateway has it, the database does not. */
  missing: number
  /** Both have it, with other values. */
  different: number
  /** The database has it, the gateway does not: pruned there since, or never ours. */
  extra: number
  /** The gateway has it, and it cannot be written: a dead letter, no difference. */
  unwritable: number
  /** Series that either of them has points of. */
  readonly series: Set<Series>
  readonly examples: string[]
}

const mostExamples = 5

export interface ComparingParts {
  readonly source: LogSource
  readonly mapping: Mapping
  readonly sink: Sink
  /** Series to look at besides those that the gateway brings. */
  readonly series: readonly Series[]
  /** More entries than this are too many to be held at a time (law 6): the window must be shorter. */
  readonly mostEntries: number
  /** Times to the nanosecond and numbers to the last digit; false for a database that keeps less. */
  readonly isExact: boolean
  /** Of points that are missing: true where a dead letter holds one. */
  readonly isDeadLetter: (points: readonly Point[]) => Promise<ReadonlySet<Point>>
}

/** Throws a Failure where the gateway does not answer to the `"end"`, and `too-dense` where there is too much. */
export async function compareWindow(
  request: DataLogRequest,
  parts: ComparingParts,
  signal: AbortSignal,
): Promise<Comparison> {
  const expected = await readExpected(request, parts, signal)
  const result: Comparison = {
    equal: 0,
    missing: 0,
    different: 0,
    extra: 0,
    unwritable: expected.unwritable,
    series: new Set(),
    examples: [],
  }
  const tell = (what: string, point: Point) => {
    if (result.examples.length < mostExamples) result.examples.push(`${what} ${pointText(point)}`)
  }
  const pool = expected.pool
  for (const { measurement, tags } of parts.series) expected.of(pool.intern(measurement, Object.fromEntries(tags)))
  const missing: Point[] = []
  for (const [series, points] of expected.series) {
    for await (const found of parts.sink.read(series, request.range, signal)) {
      const key = keyOf(found, parts.isExact)
      const wanted = points.get(key)
      points.delete(key)
      result.series.add(series)
      if (wanted === undefined) {
        result.extra++
        tell('only in the database:', found)
        continue
      }
      if (isSame(wanted.fields, found.fields, parts.isExact)) result.equal++
      else {
        result.different++
        tell('different:', wanted)
      }
    }
    missing.push(...points.values())
  }
  const dead = missing.length === 0 ? new Set() : await parts.isDeadLetter(missing)
  for (const point of missing)
    if (dead.has(point)) result.unwritable++
    else {
      result.missing++
      tell('missing:', point)
    }
  return result
}

async function readExpected(
  request: DataLogRequest,
  { source, mapping, mostEntries, isExact }: ComparingParts,
  signal: AbortSignal,
) {
  const askedFor = createAskedFor(request)
  const identify = createIdentify(request, source.deviceIdOf)
  const pool = openSeriesPool()
  const series = new Map<Series, Map<string, Point>>()
  const of = (one: Series) => {
    let points = series.get(one)
    if (points === undefined) {
      points = new Map()
      series.set(one, points)
    }
    return points
  }
  let unwritable = 0
  let received = 0
  for await (const frames of source.readDataLog(request, signal)) {
    received += frames.length
    if (received > mostEntries)
      throw new Failure(`more than ${mostEntries} entries in one window`, {
        code: 'too-dense',
        retry: 'soon',
        reach: 'request',
      })
    for (const frame of frames) {
      const decoded = decodeEntry(frame)
      const entry = isRejection(decoded) ? decoded : identify(decoded)
      if (isRejection(entry)) {
        unwritable++
        continue
      }
      if (askedFor(entry).length === 0) continue
      const mapped = mapping.map(entry)
      if (mapped === undefined) continue
      if ('reason' in mapped) {
        unwritable++
        continue
      }
      const point = {
        ...mapped,
        series: pool.intern(mapped.series.measurement, Object.fromEntries(mapped.series.tags)),
      }
      const points = of(point.series)
      const key = keyOf(point, isExact)
      const earlier = points.get(key)
      const fields = earlier === undefined ? point.fields : joinFields(earlier.fields, point.fields)
      points.set(key, { ...point, fields })
    }
  }
  return { series, of, pool, unwritable }
}

function keyOf({ at }: Point, isExact: boolean): string {
  return isExact ? `${at.ms}.${at.nanos}` : String(at.ms)
}

/** Where the database keeps less: numbers to about 13 digits, no texts. */
function isSame(wanted: Point['fields'], found: Point['fields'], isExact: boolean): boolean {
  const names = Object.keys(wanted).filter(name => isExact || typeof wanted[name] !== 'string')
  return names.length === Object.keys(found).length && names.every(name => isEqual(wanted[name]!, found[name], isExact))
}

function isEqual(a: FieldValue, b: FieldValue | undefined, isExact: boolean): boolean {
  if (a === b) return true
  if (isExact || typeof a !== 'number' || typeof b !== 'number') return false
  return Math.abs(a - b) <= 1e-12 * Math.max(Math.abs(a), Math.abs(b))
}

function pointText({ series, at, fields }: Point): string {
  const digits = at.nanos === 0 ? '' : ` +${at.nanos} ns`
  return `${seriesLabel(series)} ${isoText(at.ms)}${digits} ${JSON.stringify(fields)}`
}
