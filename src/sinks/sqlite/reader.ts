import { setImmediate as nextTurn } from 'node:timers/promises'
import { instantOfNanoseconds } from '../../domain/instant.ts'
import { type FieldValue, type Point, type Series, tagsText } from '../../domain/point.ts'
import type { TimeRange } from '../../domain/range.ts'
import { openReadOnly } from '../../durable/read-only-database.ts'
import { sqliteFailure } from './sqlite-errors.ts'

export interface Reader {
  count(series: Series, range: TimeRange): number
  read(series: Series, range: TimeRange, signal: AbortSignal): AsyncIterable<Point>
  close(): void
}

const pageRows = 2_000

const ofSeries =
  'FROM series CROSS JOIN value ON value.series = series.id WHERE measurement = ? AND tags = ? AND time > ? AND time <= ?'

interface Row {
  readonly time: bigint
  readonly field: string
  readonly number: number | null
  readonly text: string | null
}

/** A separate connection: it sees what is committed, while the other one is in the middle of a batch. */
export function openReader(path: string): Reader {
  const database = guarded(path, () => openReadOnly(path))
  const counted = database.prepare(`SELECT count(DISTINCT time) AS points ${ofSeries}`)
  const page = database.prepare(`SELECT time, field, number, text ${ofSeries} ORDER BY time LIMIT ${pageRows}`)
  page.setReadBigInts(true)

  function pageOf(series: Series, after: bigint, until: number): readonly Row[] {
    return guarded(path, () => page.all(...conditions(series, after, until)) as unknown as Row[])
  }

  return {
    count(series, range) {
      const asked = conditions(series, nanos(range.after), range.until)
      return guarded(path, () => counted.get(...asked)!['points'] as number)
    },
    async *read(series, range, signal) {
      let after = nanos(range.after)
      while (true) {
        signal.throwIfAborted()
        const rows = pageOf(series, after, range.until)
        const points = pointsOf(series, rows)
        // The last one of a full page may have more fields on the next: it is read again with them.
        if (rows.length === pageRows && points.length > 1) points.pop()
        yield* points
        if (rows.length < pageRows) return
        const { ms, nanos: rest } = points.at(-1)!.at
        after = nanos(ms) + BigInt(rest)
        await nextTurn()
      }
    },
    close: () => database.close(),
  }
}

function conditions(series: Series, after: bigint, until: number): [string, string, bigint, bigint] {
  return [series.measurement, tagsText(series), after, nanos(until)]
}

function nanos(ms: number): bigint {
  return BigInt(ms) * 1_000_000n
}

/** One point for the rows of one time. */
function pointsOf(series: Series, rows: readonly Row[]): Point[] {
  const points: { series: Series; at: Point['at']; fields: Record<string, FieldValue> }[] = []
  let last: bigint | undefined
  for (const { time, field, number, text } of rows) {
    if (time !== last) points.push({ series, at: instantOfNanoseconds(time), fields: {} })
    last = time
    points.at(-1)!.fields[field] = text ?? number!
  }
  return points
}

function guarded<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw sqliteFailure(error, path)
  }
}
