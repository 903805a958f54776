import type { Failure } from '../domain/failure.ts'
import type { Point, Series } from '../domain/point.ts'
import { rangeHolds } from '../domain/range.ts'
import type { DataLogRequest } from '../domain/request.ts'
import { createEntryReader, type Fates } from '../entries/entry-reader.ts'
import { joinFields } from '../entries/repeats.ts'
import { transferFailure } from '../pipeline/failures.ts'
import type { LogSource } from '../pipeline/transfer.ts'
import type { EntryLimit } from '../planning/window.ts'
import type { Mapping } from '../points/mapping.ts'
import { createSeriesPool } from '../points/series.ts'

/** One window as the gateway has it now: what the database must hold. */
export interface GatewayWindow {
  /** The points of each series by their time; empty for a series that is looked at and has none. */
  readonly series: ReadonlyMap<Series, ReadonlyMap<string, Point>>
  /** Entries that cannot be mapped: dead letters. */
  readonly unwritable: number
}

export interface GatewayWindowParts {
  readonly source: LogSource
  readonly mapping: Mapping
  /** Series to look at besides those that the gateway brings. */
  readonly series: readonly Series[]
  /** More entries are too many to be held at a time (law 6): the window must be shorter. */
  readonly limit: EntryLimit
  /** Times to the nanosecond and numbers to the last digit; false for a database that keeps less. */
  readonly isExact: boolean
}

interface SeriesPoints {
  readonly one: Series
  readonly points: Map<string, Point>
}

/** Throws a Failure if the gateway does not answer up to `"end"`, and `too-dense` if there are too many entries. */
export async function readGatewayWindow(
  request: DataLogRequest,
  { source, mapping, series: looked, limit, isExact }: GatewayWindowParts,
  signal: AbortSignal,
): Promise<GatewayWindow> {
  // by tags, not by object: the ledger's series and those of the mapping are the same one here
  const pool = createSeriesPool()
  const series = new Map<Series, Map<string, Point>>()
  const known = new Map<Series, SeriesPoints>()
  const pointsOf = (given: Series) => {
    let found = known.get(given)
    if (found === undefined) {
      const one = pool.intern(given.measurement, Object.fromEntries(given.tags))
      found = { one, points: series.get(one) ?? new Map<string, Point>() }
      known.set(given, found)
      series.set(one, found.points)
    }
    return found
  }
  let unwritable = 0
  let received = 0
  const read = createEntryReader(request, {
    mapping,
    deviceIdOf: source.deviceIdOf,
    idMeaning: source.idMeaning,
    clock: source.clock,
  })
  const fates: Fates = {
    outside() {},
    empty() {},
    rejected() {
      unwritable++
    },
    point(point) {
      // the database is read exactly: what came in the last ms belongs to the next range there
      if (!rangeHolds(request.range, point.at)) return
      const { one, points } = pointsOf(point.series)
      const key = timeKey(point, isExact)
      const earlier = points.get(key)
      const fields = earlier === undefined ? point.fields : joinFields(earlier.fields, point.fields)
      points.set(key, { series: one, at: point.at, fields, remark: point.remark ?? earlier?.remark })
    },
  }
  for await (const frames of source.readDataLog(request, signal)) {
    received += frames.length
    if (received > limit.mostEntries) throw tooDense(limit)
    for (const frame of frames) read(frame, fates)
  }
  for (const one of looked) pointsOf(one)
  return { series, unwritable }
}

/** What tells two points of a series apart in the database. */
export function timeKey({ at }: Pick<Point, 'at'>, isExact: boolean): string {
  return isExact ? `${at.ms}.${at.nanos}` : String(at.ms)
}

function tooDense({ mostEntries, canBeShorter }: EntryLimit): Failure {
  const code = canBeShorter ? 'too-dense' : 'too-dense-for-shortest'
  return transferFailure(code, `more than ${mostEntries} entries in one window`)
}
