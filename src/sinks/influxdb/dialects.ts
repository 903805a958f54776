import type { Clock } from '../../domain/clock.ts'
import { createLineFormat, type LineOf, lineOf } from '../line-protocol/format-lines.ts'
import { spellingWithoutBackslash } from '../line-protocol/names.ts'
import type { DialectName } from './endpoint.ts'
import { conflictingFields } from './field-types.ts'
import { countByFlux, readByFlux } from './flux.ts'
import { countByInfluxql, readByInfluxql } from './influxql.ts'
import type { QueryContext, ReadBack } from './query.ts'
import { bucketRetention, flaggedRetention, policyRetention, type Retention } from './retention.ts'
import { countByExport, flushed, mixedMeasurements, readByExport } from './victoria-metrics.ts'

/** What differs from one database to the other; the rest of the room does not ask which one it talks to. */
export interface Dialect {
  readonly label: string
  /** False: texts are stored as 0 with a 204 (measured), so that they must not be sent. */
  readonly holdsTexts: boolean
  /** True: points beyond the retention, or too far ahead, vanish with a 204, so that they must not be sent. */
  readonly dropsInSilence: boolean
  /** False: a value that is written again with another number is kept beside the first one. */
  readonly overwrites: boolean
  /** Resolves when what was written before can be seen by queries; left out where that is at once. */
  readonly settle?: (context: QueryContext, clock: Clock) => Promise<void>
  readonly retention: (context: QueryContext) => Promise<Retention>
  /** Sentences about fields whose types are in each other's way. */
  readonly fieldConflicts: (context: QueryContext) => Promise<readonly string[]>
  readonly readBack: ReadBack
  readonly lineOf: LineOf
  /** What a user should know in any case. */
  readonly warnings: readonly string[]
}

const influxql = { count: countByInfluxql, read: readByInfluxql }

export const dialects: Readonly<Record<DialectName, Dialect>> = {
  'influxdb-1': {
    label: 'influxdb 1.x',
    holdsTexts: true,
    dropsInSilence: false,
    overwrites: true,
    retention: policyRetention,
    fieldConflicts: conflictingFields,
    readBack: influxql,
    lineOf,
    warnings: [],
  },
  'influxdb-2': {
    label: 'influxdb 2.x',
    holdsTexts: true,
    dropsInSilence: false,
    overwrites: true,
    retention: bucketRetention,
    // Where the bucket can be asked as a database, which is up to its administrator.
    fieldConflicts: conflictingFields,
    readBack: { count: countByFlux, read: readByFlux },
    lineOf,
    warnings: [],
  },
  'influxdb-3': {
    label: 'influxdb 3.x',
    holdsTexts: true,
    dropsInSilence: false,
    overwrites: true,
    // Core keeps everything; Enterprise and the clouds refuse what is too old with a 400.
    retention: async () => ({ retentionMs: undefined, warnings: [] }),
    fieldConflicts: conflictingFields,
    // 3.x answers InfluxQL at /query as 1.x does (its documentation; not tried on a real one).
    readBack: influxql,
    lineOf,
    warnings: [],
  },
  'victoria-metrics': {
    label: 'victoriametrics',
    holdsTexts: false,
    dropsInSilence: true,
    overwrites: false,
    settle: flushed,
    retention: flaggedRetention,
    fieldConflicts: async ({ measurements }) => mixedMeasurements(measurements),
    readBack: { count: countByExport, read: readByExport },
    lineOf: createLineFormat(spellingWithoutBackslash),
    warnings: [
      'VictoriaMetrics keeps numbers alone: enumerations and other texts are refused by us (strings-not-held), because it would store them as 0.',
      'VictoriaMetrics keeps milliseconds, and about 13 digits of a number (measured on 1.79): of two values within one millisecond a query sees one.',
      'VictoriaMetrics cannot replace a value: a corrected one is kept beside the first, and a query sees one of the two. To be rid of the first, delete its series (/api/v1/admin/tsdb/delete_series), then "verify --heal".',
    ],
  },
}
