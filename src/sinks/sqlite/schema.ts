import { markMeasurement } from '../sink.ts'

/** "SLOG": says that a file is ours, for `file` and for this program. */
export const applicationId = 0x534c4f47

/** Raised when a table changes; a file with a higher one was written by a later release. */
export const schemaVersion = 1

/** The comments inside the statements are kept by SQLite: `.schema` in its shell shows them to a reader of the file. */
export const schemaStatements: readonly string[] = [
  `CREATE TABLE file (
  -- One row. The ledger's coverage belongs to this very file: it may be moved, and a new one in its place is another.
  id TEXT NOT NULL
) STRICT`,
  `CREATE TABLE series (
  -- One line of values over time. Values are in the table "value", all of it together in the view "datalog".
  id INTEGER PRIMARY KEY,
  measurement TEXT NOT NULL,
  field TEXT NOT NULL, -- "value" for numbers, "text" for enumerations, member names for structures
  tags TEXT NOT NULL, -- JSON object of all tags, sorted by name
  gateway TEXT AS (tags ->> '$.gateway'),
  device TEXT AS (tags ->> '$.device'),
  block TEXT AS (tags ->> '$.block'),
  "index" INTEGER AS (CAST(tags ->> '$.index' AS INTEGER)),
  datapoint TEXT AS (tags ->> '$.datapoint'),
  UNIQUE (measurement, field, tags)
) STRICT`,
  `CREATE TABLE value (
  -- One logged value. Writing it again replaces it: (series, time) is the key.
  series INTEGER NOT NULL REFERENCES series (id),
  time INTEGER NOT NULL, -- nanoseconds since 1970-01-01 UTC, every digit that the gateway sent
  number REAL, -- numbers; booleans as 1 and 0
  text TEXT, -- texts; one of number and text is NULL
  PRIMARY KEY (series, time)
) WITHOUT ROWID, STRICT`,
  `CREATE VIEW datalog AS
  -- For people and Grafana. A condition on time_ns and the names is fast; one on "time" or epoch reads whole series.
  SELECT
    strftime('%Y-%m-%dT%H:%M:%S', value.time / 1000000000, 'unixepoch')
      || printf('.%03dZ', value.time / 1000000 % 1000) AS time, -- ISO 8601, UTC, milliseconds
    value.time / 1e9 AS epoch, -- seconds since 1970, for Grafana
    gateway, device, block, "index", datapoint, measurement, field,
    number, text,
    json_remove(tags, '$.gateway', '$.device', '$.block', '$.index', '$.datapoint') AS tags, -- configured tags, JSON
    value.time AS time_ns -- exact
  FROM series JOIN value ON value.series = series.id
  WHERE measurement <> '${markMeasurement}' -- by these the program knows the file again`,
]

/** For a series whose fields are not known: without it each count would look at every series. A file of an earlier state lacks it. */
export const seriesIndex = 'CREATE INDEX IF NOT EXISTS series_tags ON series (measurement, tags)'
