import type { Clock } from '../../domain/clock.ts'
import { createLineFormat, type LineOf, lineOf } from '../line-protocol/format-lines.ts'
import { spellingWithoutBackslash } from '../line-protocol/names.ts'
import type { DialectName } from './endpoint.ts'
import { conflictingColumns, conflictingFields } from './field-types.ts'
import { type ForgetSeries, forgetByDelete, forgetByInfluxql, forgetByVictoria, forgetNothing } from './forget.ts'
import { askDatabase, clusterIdentity } from './influxdb-3.ts'
import { countsByInfluxql, readByInfluxql } from './influxql.ts'
import type { QueryContext, ReadBack } from './query.ts'
import { askBucket, bucketRetention, policyRetention, type Retention } from './retention.ts'
import { countsBySql, readBySql } from './sql.ts'
import {
  countsByExport,
  flaggedRetention,
  flushed,
  mixedMeasurements,
  readByExport,
  serverStart,
  snapshotOnDisk,
} from './victoria-metrics.ts'

/** What differs from one database to the other; the other rooms do not ask which one it is. */
export interface Dialect {
  readonly label: string
  /** False: texts are stored as 0 with a 204 (measured), so that they must not be sent. */
  readonly holdsTexts: boolean
  /** True: points beyond the retention, or too far ahead, vanish with a 204, so that they must not be sent. */
  readonly dropsInSilence: boolean
  /** False: a value that is written again with another number may not replace the first one. */
  readonly overwrites: boolean
  /** True: a write without lines asks for the right to write, and changes nothing. */
  readonly takesEmptyWrite: boolean
  /** More at once do not make it faster. */
  readonly writesInFlight: number
  /** Throws a Failure where the database does not exist and a write would make it; left out where a write fails. */
  readonly requireDatabase?: (context: QueryContext) => Promise<void>
  /** Resolves when what was written before can be seen by queries; left out where that is at once. */
  readonly settle?: (context: QueryContext, clock: Clock) => Promise<void>
  readonly retention: (context: QueryContext) => Promise<Retention>
  /** Sentences about fields whose types are in each other's way. */
  readonly fieldConflicts: (context: QueryContext) => Promise<readonly string[]>
  /** What the server tells of itself that is another after the database was replaced. */
  readonly identity: (context: QueryContext) => Promise<Readonly<Record<string, string>>>
  /** Resolves when what was acknowledged survives a crash; left out where an answer says so. */
  readonly makeDurable?: (context: QueryContext, clock: Clock) => Promise<void>
  readonly readBack: ReadBack
  readonly forget: ForgetSeries
  readonly lineOf: LineOf
  /** What a user should know in any case. */
  readonly warnings: readonly string[]
}

const influxdb1: Dialect = {
  label: 'influxdb 1.x',
  holdsTexts: true,
  dropsInSilence: false,
  overwrites: true,
  takesEmptyWrite: true,
  writesInFlight: 2,
  retention: policyRetention,
  fieldConflicts: conflictingFields,
  identity: async () => ({}),
  readBack: { counts: countsByInfluxql, read: readByInfluxql },
  forget: forgetByInfluxql,
  lineOf,
  warnings: [],
}

export const dialects: Readonly<Record<DialectName, Dialect>> = {
  'influxdb-1': influxdb1,
  'influxdb-2': {
    ...influxdb1,
    label: 'influxdb 2.x',
    forget: forgetByDelete,
    retention: bucketRetention,
    async identity(context) {
      const bucket = await askBucket(context)
      return typeof bucket === 'string' ? {} : { bucketId: bucket.id }
    },
  },
  'influxdb-3': {
    ...influxdb1,
    label: 'influxdb 3.x',
    forget: forgetNothing,
    dropsInSilence: true,
    overwrites: false,
    takesEmptyWrite: false,
    // a write is answered when the WAL is flushed, once a second, however many there are
    writesInFlight: 16,
    requireDatabase: askDatabase,
    fieldConflicts: conflictingColumns,
    identity: clusterIdentity,
    readBack: { counts: countsBySql, read: readBySql },
    warnings: [
      'InfluxDB 3 Core is for recent data: a query reads 432 files at most, about a day of ours (--query-file-limit raises it). A verification of a year takes 365 queries or more for each measurement.',
      'InfluxDB 3 Core may bring the first value back after a correction, for good. To change a value: write to another measurement, or delete the table (DELETE /api/v3/configure/table?db=…&table=…&hard_delete_at=now) and run "verify --heal".',
      'InfluxDB 3 Core does not force its files to the disk: after a power cut run "verify".',
    ],
  },
  'victoria-metrics': {
    ...influxdb1,
    label: 'victoriametrics',
    forget: forgetByVictoria,
    holdsTexts: false,
    dropsInSilence: true,
    overwrites: false,
    settle: flushed,
    retention: flaggedRetention,
    fieldConflicts: async ({ measurements }) => mixedMeasurements(measurements),
    identity: serverStart,
    makeDurable: snapshotOnDisk,
    readBack: { counts: countsByExport, read: readByExport },
    lineOf: createLineFormat(spellingWithoutBackslash),
    warnings: [
      'VictoriaMetrics keeps numbers alone: of an enumeration its number is written where the configuration maps it, and a value that is a text alone is not written, because it would be stored as 0.',
      'VictoriaMetrics keeps milliseconds, and about 13 digits of a number (measured on 1.79): of two values within one millisecond a query sees one.',
      'VictoriaMetrics cannot replace a value: a corrected one is kept beside the first, and a query sees one of the two. To remove the first, delete its series (/api/v1/admin/tsdb/delete_series), then run "verify --heal".',
    ],
  },
}
