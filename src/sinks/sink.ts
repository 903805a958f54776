import type { Point, Series } from '../domain/point.ts'
import type { TimeRange } from '../domain/range.ts'
import type { DataLogRequest } from '../domain/request.ts'

/**
 * `retention`: older than the database keeps. `type`: the field holds another type there. `too-large`: longer than it
 * takes. `strings-not-held`: it keeps numbers alone. `out-of-time`: beyond 64 bits of nanoseconds, or further in the
 * future than it takes. `refused`: all else.
 */
export type RefusalCode = 'retention' | 'type' | 'too-large' | 'strings-not-held' | 'out-of-time' | 'refused'

/** One point that the database will not take, with the database's own reason. */
export interface Refusal {
  readonly point: Point
  readonly code: RefusalCode
  readonly reason: string
  /** True: some of its fields were taken, so that the database holds a point of this series and time. */
  readonly partly?: boolean
}

/** `written + rejected.length` is the number of points given, always (law 5). */
export interface WriteResult {
  readonly written: number
  readonly rejected: readonly Refusal[]
}

export interface SinkReport {
  /** `sqlite`, `influxdb 1.x`, `influxdb 2.x`, `victoriametrics` … and its version, where it is known. */
  readonly kind: string
  readonly version: string | undefined
  /** Older points are not kept by the database; undefined: kept for ever, or unknown. */
  readonly retentionMs: number | undefined
  /** False: it keeps milliseconds, about 13 digits of a number, and no texts. */
  readonly exact?: boolean
  /** False: a corrected value is kept beside the first one. */
  readonly overwrites?: boolean
  /** True: an answer always holds all that was acknowledged, so that one that is short is believed at once. */
  readonly readsAtOnce?: boolean
  /** What a user should know before writing; empty when all is well. */
  readonly warnings: readonly string[]
}

/** What a complete transfer leaves in a sink that keeps whole transfers only. */
interface SinkCommit {
  readonly provisional: boolean
  readonly received: number
  readonly written: number
  /** Kept as dead letters where the sink is filled. */
  readonly rejected: number
  /** The series of each selector of the request, in its order. */
  readonly series: readonly (readonly Series[])[]
}

/** The points of one transfer, apart from all others until it is complete. */
export interface SinkDraft extends Pick<Sink, 'write'> {
  /** Durable when it returns: called before the ledger records the range. Throws a Failure of reach `sink`. */
  commit(done: SinkCommit): void
  /** Drops what was not committed; harmless afterwards. */
  close(): void
}

/** The database is away or busy. */
export interface Outage {
  /** ms UTC */
  readonly since: number
  readonly reason: string
}

interface Heard {
  /** Called while the database is waited for, and with undefined at the end. */
  readonly tell?: (outage: Outage | undefined) => void
}

export interface WriteWaiting extends Heard {
  /** Gives up after about so long, where something is held open meanwhile; undefined: waits for ever. */
  readonly patienceMs?: number | undefined
}

export interface ReadyWaiting extends Heard {
  /** By the host's clock, ms UTC. */
  readonly deadline?: number | undefined
}

/** `read`: nothing will be written, so that the right to write is not asked for. */
export type CheckPurpose = 'write' | 'read'

/** Where the marks are by which the ledger knows a database: ours, beside the measurements of the configuration. */
export const markMeasurement = 'smartserver_etl_mark'

/** Where points go. Opened by its own `open…` function, closed by what opened it. */
export interface Sink {
  /** Names the place for good: coverage in the ledger belongs to it. Holds no secret. */
  readonly id: string
  /** What people read: `SQLite data/points.db`, `InfluxDB http://localhost:8086 datalogs`. */
  readonly label: string
  /**
   * Resolves when the database has answered for every point (law 2). Waits out a database that is away or busy until
   * the signal aborts, or gives up with a Failure `database-away` that is to be tried again after `ready`. Throws a Failure of reach `sink` when waiting cannot help (401, 403, 404, disk full).
   * Writing the same points again changes nothing (law 4). Of writes that overlap, the later call has the last word,
   * where the database can replace a value at all (`overwrites` in the report).
   */
  write(points: readonly Point[], signal: AbortSignal, waiting?: WriteWaiting): Promise<WriteResult>
  /**
   * Resolves when the database answers again, at once where nothing is known to be amiss, or at the deadline. Throws a
   * Failure when waiting cannot help.
   */
  ready?(signal: AbortSignal, waiting?: ReadyWaiting): Promise<void>
  /** Of a sink in which nothing may appear that is not complete: takes the place of `write` for one transfer. */
  begin?(request: DataLogRequest): SinkDraft
  /** Reachable, may write, retention. Throws a Failure of reach `sink` otherwise. */
  check(signal: AbortSignal, purpose?: CheckPurpose): Promise<SinkReport>
  /**
   * What the server reports of itself that differs when the database was made anew or replaced: names and values to
   * compare with those of an earlier day. `startedAt`: another after each start, told only where what was acknowledged may
   * be lost with one. Empty where it reports nothing. Throws a Failure.
   */
  identity?(signal: AbortSignal): Promise<Readonly<Record<string, string>>>
  /** Resolves when all that was acknowledged survives a crash of the database. Left out where its answer says so. */
  makeDurable?(signal: AbortSignal): Promise<void>
  /**
   * Points that the database holds now of each of these very series: the other half of the proof. Series of which it holds
   * none may be left out. One call for many series of one range costs little more than for one. Throws a Failure.
   */
  counts(series: readonly Series[], range: TimeRange, signal: AbortSignal): Promise<ReadonlyMap<Series, number>>
  /** The same points, in order of time, a page at a time (law 6). Booleans come as 1 and 0 from databases that keep them so. */
  read(series: Series, range: TimeRange, signal: AbortSignal): AsyncIterable<Point>
  /**
   * Removes all points of these very series, for good. Left out, or a Failure `sink-keeps-series`, where that cannot be done
   * without removing others.
   */
  forget?(series: readonly Series[], signal: AbortSignal): Promise<void>
  close(): Promise<void>
}

/** Points of one series. */
export async function countOf(
  sink: Pick<Sink, 'counts'>,
  series: Series,
  range: TimeRange,
  signal: AbortSignal,
): Promise<number> {
  return (await sink.counts([series], range, signal)).get(series) ?? 0
}
