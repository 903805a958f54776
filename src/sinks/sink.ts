import type { Point } from '../domain/point.ts'

/** One point that the database will not take, with the database's own reason. */
export interface Refusal {
  readonly point: Point
  readonly reason: string
}

export interface WriteResult {
  readonly written: number
  readonly rejected: readonly Refusal[]
}

export interface SinkReport {
  /** `sqlite`, `influxdb 1.x`, `influxdb 2.x`, `victoriametrics` … and its version where it tells. */
  readonly kind: string
  readonly version: string | undefined
  /** Older points are not kept by the database; undefined: kept for ever, or unknown. */
  readonly retentionMs: number | undefined
  /** What a user should know before writing; empty when all is well. */
  readonly warnings: readonly string[]
}

/** Where points go. Opened by its own `open…` function, closed by whoever opened it. */
export interface Sink {
  /** Names the place for good: coverage in the ledger belongs to it. Holds no secret. */
  readonly id: string
  /** What people read: `SQLite data/points.db`, `InfluxDB http://localhost:8086 datalogs`. */
  readonly label: string
  /**
   * Resolves when the database has answered for every point (law 2). Waits out a database that is away or busy until
   * the signal aborts. Throws a Failure of reach `sink` when waiting cannot help (401, 403, 404, disk full).
   * Writing the same points again changes nothing (law 4).
   */
  write(points: readonly Point[], signal: AbortSignal): Promise<WriteResult>
  /** Reachable, may write, retention. Throws a Failure of reach `sink` otherwise. */
  check(signal: AbortSignal): Promise<SinkReport>
  close(): Promise<void>
}
