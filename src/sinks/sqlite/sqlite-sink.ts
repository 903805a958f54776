import { resolve } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { Clock } from '../../domain/clock.ts'
import { nanoseconds } from '../../domain/instant.ts'
import { type Point, type Series, tagsText } from '../../domain/point.ts'
import type { Refusal, Sink, WriteResult } from '../sink.ts'
import { createPlaceCheck, openFile, sinkId } from './file.ts'
import { openReader, type Reader } from './reader.ts'
import { isBusy, sqliteFailure } from './sqlite-errors.ts'

interface SqliteOptions {
  readonly path: string
  /** Of the file, as in chmod. */
  readonly mode?: number | undefined
}

/** Points a turn of the event loop: a few milliseconds here, less than 50 on a small machine (measured: 700,000 points/s). */
const pointsPerTurn = 2_000

/** What SQLite's and InfluxDB's 64 bits of nanoseconds hold: 1677 … 2262. */
const farthestMs = 9_223_372_036_854

const busyPauseMs = 100

/**
 * The embedded sink: one SQLite file that anybody can read while it is written. Throws a Failure of reach `sink`
 * for a file that is not ours or cannot be written.
 */
export async function openSqliteSink(options: SqliteOptions, parts: { clock: Clock; log: Logger }): Promise<Sink> {
  const { clock, log } = parts
  const path = resolve(options.path)
  const label = `SQLite ${options.path}`
  const database = await openFile(path, options.mode)
  const requireInPlace = createPlaceCheck(database, path, label)
  const ids = createSeriesIds(database)
  const upsert = database.prepare(
    `INSERT INTO value (series, time, number, text) VALUES (?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET number = excluded.number, text = excluded.text
     WHERE number IS NOT excluded.number OR text IS NOT excluded.text`,
  )

  function insert({ series, at, fields }: Point): boolean {
    if (Math.abs(at.ms) >= farthestMs) return false
    const time = nanoseconds(at)
    for (const name in fields) {
      const value = fields[name]!
      const isText = typeof value === 'string'
      upsert.run(ids.idOf(series, name), time, isText ? null : Number(value), isText ? value : null)
    }
    return true
  }

  /** One transaction for all of them, so that the batch is there as a whole or not at all. */
  async function writeBatch(points: readonly Point[], signal: AbortSignal): Promise<WriteResult> {
    const rejected: Refusal[] = []
    requireInPlace()
    await begin(database, signal, clock, log, label)
    try {
      for (let start = 0; start < points.length; start += pointsPerTurn) {
        if (start > 0) await nextTurn()
        signal.throwIfAborted()
        for (const point of points.slice(start, start + pointsPerTurn))
          if (!insert(point))
            rejected.push({ point, code: 'out-of-time', reason: 'the time is beyond what 64 bits of nanoseconds hold' })
      }
      database.exec('COMMIT')
    } catch (error) {
      ids.forget()
      // A full disk may already have rolled it back.
      if (database.isTransaction) database.exec('ROLLBACK')
      throw sqliteFailure(error, path)
    }
    requireInPlace()
    return { written: points.length - rejected.length, rejected }
  }

  const values = database.prepare(
    `DELETE FROM value WHERE (series, time) IN (SELECT series, time FROM value
     WHERE series IN (SELECT id FROM series WHERE measurement = ? AND tags = ?) LIMIT ${pointsPerTurn * 10})`,
  )
  const emptySeries = database.prepare('DELETE FROM series WHERE measurement = ? AND tags = ?')

  /** Piece by piece, so that a large series does not hold the program. */
  async function remove(series: Series, signal: AbortSignal): Promise<void> {
    const key = [series.measurement, tagsText(series)] as const
    for (let removed = true; removed; await nextTurn()) {
      await begin(database, signal, clock, log, label)
      try {
        removed = Number(values.run(...key).changes) > 0
        if (!removed) emptySeries.run(...key)
        database.exec('COMMIT')
      } catch (error) {
        if (database.isTransaction) database.exec('ROLLBACK')
        throw sqliteFailure(error, path)
      }
    }
  }

  // One connection holds one transaction: writes take their turn, whatever became of the one before.
  let last: Promise<unknown> = Promise.resolve()
  let closing: Promise<void> | undefined
  let reader: Reader | undefined
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = last.then(work)
    last = result.catch(() => {})
    return result
  }

  return {
    id: sinkId(database),
    label,
    write: (points, signal) =>
      inTurn(async () => {
        signal.throwIfAborted()
        return points.length === 0 ? { written: 0, rejected: [] } : writeBatch(points, signal)
      }),
    check: signal =>
      inTurn(async () => {
        requireInPlace()
        await begin(database, signal, clock, log, label)
        database.exec('ROLLBACK')
        const row = database.prepare('SELECT sqlite_version() AS version').get()!
        return {
          kind: 'sqlite',
          version: String(row['version']),
          retentionMs: undefined,
          readsAtOnce: true,
          warnings: [],
        }
      }),
    async counts(series, range, signal) {
      signal.throwIfAborted()
      requireInPlace()
      reader ??= openReader(path)
      const counted = new Map<Series, number>()
      for (const one of series) counted.set(one, reader.count(one, range))
      return counted
    },
    async *read(series, range, signal) {
      requireInPlace()
      reader ??= openReader(path)
      yield* reader.read(series, range, signal)
    },
    forget: (series, signal) =>
      inTurn(async () => {
        requireInPlace()
        try {
          for (const one of series) await remove(one, signal)
        } finally {
          ids.forget()
        }
      }),
    close() {
      closing ??= inTurn(async () => {
        reader?.close()
        database.close()
      })
      return closing
    },
  }
}

/** Waits while another process holds the file for writing: somebody in the sqlite3 shell, a backup. */
async function begin(database: DatabaseSync, signal: AbortSignal, clock: Clock, log: Logger, label: string) {
  for (let attempt = 0; ; attempt++) {
    try {
      database.exec('BEGIN IMMEDIATE')
      if (attempt > 0) log.info({ sink: label }, 'the file is free again')
      return
    } catch (error) {
      if (!isBusy(error)) throw sqliteFailure(error, label)
      if (attempt === 0) log.warn({ sink: label }, 'waiting for another program to let go of the file')
      await clock.sleep(busyPauseMs, signal)
    }
  }
}

/** The row of each line of values: series and field. Looked up once a run, then from memory. */
interface SeriesIds {
  idOf(series: Series, field: string): number
  /** After a rollback: rows that were made in that transaction are gone. */
  forget(): void
}

function createSeriesIds(database: DatabaseSync): SeriesIds {
  const find = database.prepare('SELECT id FROM series WHERE measurement = ? AND field = ? AND tags = ?')
  const add = database.prepare('INSERT INTO series (measurement, field, tags) VALUES (?, ?, ?) RETURNING id')
  let known = new WeakMap<Series, Map<string, number>>()

  function lookUp(series: Series, field: string): number {
    const key = [series.measurement, field, tagsText(series)] as const
    const row = find.get(...key) ?? add.get(...key)
    return row!['id'] as number
  }

  return {
    idOf(series, field) {
      let ids = known.get(series)
      if (ids === undefined) {
        ids = new Map()
        known.set(series, ids)
      }
      let id = ids.get(field)
      if (id === undefined) {
        id = lookUp(series, field)
        ids.set(field, id)
      }
      return id
    },
    forget() {
      known = new WeakMap()
    },
  }
}
