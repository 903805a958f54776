import { Failure } from '../domain/failure.ts'
import type { Point, Series } from '../domain/point.ts'
import type { DataLogRequest } from '../domain/request.ts'
import { createEntryReader, type Fates } from '../entries/entry-reader.ts'
import { joinFields } from '../entries/repeats.ts'
import type { LogSource } from '../pipeline/transfer.ts'
import type { Mapping } from '../points/mapping.ts'
import { openSeriesPool } from '../points/series.ts'

/** What the database must hold of one window, as the gateway has it now. */
export interface Expected {
  /** Of each series its points by their time; also of series that are looked at and have none. */
  readonly series: ReadonlyMap<Series, ReadonlyMap<string, Point>>
  /** Entries that cannot be mapped: dead letters. */
  readonly unwritable: number
}

export interface ExpectedParts {
  readonly source: LogSource
  readonly mapping: Mapping
  /** Series to look at besides those that the gateway brings. */
  readonly series: readonly Series[]
  /** More entries than this are too many to be held at a time (law 6): the window must be shorter. */
  readonly mostEntries: number
  /** Times to the nanosecond and numbers to the last digit; false for a database that keeps less. */
  readonly isExact: boolean
}

/** Throws a Failure if the gateway does not answer up to `"end"`, and `too-dense` if there are too many entries. */
export async function readExpected(
  request: DataLogRequest,
  { source, mapping, series: known, mostEntries, isExact }: ExpectedParts,
  signal: AbortSignal,
): Promise<Expected> {
  // by tags, not by object: the ledger's series and those of the mapping are the same one here
  const pool = openSeriesPool()
  const series = new Map<Series, Map<string, Point>>()
  const pointsOf = ({ measurement, tags }: Series) => {
    const one = pool.intern(measurement, Object.fromEntries(tags))
    const points = series.get(one) ?? new Map<string, Point>()
    series.set(one, points)
    return { one, points }
  }
  let unwritable = 0
  let received = 0
  const read = createEntryReader(request, { mapping, deviceIdOf: source.deviceIdOf, clock: source.clock })
  const fates: Fates = {
    outside() {},
    empty() {},
    rejected() {
      unwritable++
    },
    point(point) {
      const { one, points } = pointsOf(point.series)
      const key = timeKey(point, isExact)
      const earlier = points.get(key)
      const fields = earlier === undefined ? point.fields : joinFields(earlier.fields, point.fields)
      points.set(key, { series: one, at: point.at, fields })
    },
  }
  for await (const frames of source.readDataLog(request, signal)) {
    received += frames.length
    if (received > mostEntries) throw tooDense(mostEntries)
    for (const frame of frames) read(frame, fates)
  }
  for (const one of known) pointsOf(one)
  return { series, unwritable }
}

/** What tells two points of a series apart in the database. */
export function timeKey({ at }: Pick<Point, 'at'>, isExact: boolean): string {
  return isExact ? `${at.ms}.${at.nanos}` : String(at.ms)
}

function tooDense(mostEntries: number): Failure {
  return new Failure(`more than ${mostEntries} entries in one window`, {
    code: 'too-dense',
    retry: 'soon',
    reach: 'request',
  })
}
