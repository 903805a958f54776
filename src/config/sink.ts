import { z } from 'zod'
import { hour, second } from '../domain/duration.ts'
import { versionOptions, whateverOptions } from './cross-field-rules.ts'
import { databaseAddress, duration, fileMode, line, numberOfText, proxyAddress, secret, section } from './values.ts'

const influxdb = section({
  version: z
    .preprocess(numberOfText, z.literal([1, 2, 3]))
    .prefault(2)
    .describe(
      'The API of the database. 1: InfluxDB 1.x. 2: InfluxDB 2.x, VictoriaMetrics and others that take /api/v2/write. 3: InfluxDB 3.x',
    ),
  url: databaseAddress().describe('e.g. http://localhost:8086'),
  org: line().optional().describe('Version 2: organization, by its name; not for VictoriaMetrics'),
  bucket: line().optional().describe('Version 2: bucket, by its name; not for VictoriaMetrics'),
  token: secret()
    .optional()
    .describe(
      'Versions 2 and 3: token that may write to the bucket or database; none where the database asks for none',
    ),
  database: line().optional().describe('Versions 1 and 3: database; it must exist'),
  retentionPolicy: line().optional().describe("Version 1: retention policy; default: the database's own"),
  username: secret().optional().describe('Version 1 and VictoriaMetrics: login, where the database asks for one'),
  password: secret().optional().describe('Version 1 and VictoriaMetrics: password'),
  timeout: duration({
    from: second,
    to: hour,
    text: 'How long the database may be silent during a request. A whole request may take five times as long, at most 5 minutes where that is more',
  }).prefault('30s'),
  ca: line().optional().describe('PEM file of the authority that signed the certificate of an https database'),
  proxy: proxyAddress().optional().describe('Web proxy on the way to the database, e.g. http://proxy:3128'),
  server: z
    .enum(['influxdb-1', 'influxdb-2', 'influxdb-3', 'victoria-metrics'])
    .optional()
    .describe(
      'What the database is, where it cannot be detected (behind a proxy that hides it). With victoria-metrics the URL is enough',
    ),
}).superRefine(versionOptions, whateverOptions)

const sqlite = section({
  path: line().prefault('data/points.db').describe('SQLite file; made when missing'),
  mode: fileMode()
    .optional()
    .describe(
      'Who may read it, as in chmod, in quotes: "0640" for the group too, as for Grafana. Default: "0600", the user of the program alone; a file that is there keeps its own',
    ),
})

const bundle = section({
  path: line().describe('Folder of the bundle; made when missing'),
})

/** One of them, or none: then the default. */
export const sinkSchema = section({
  influxdb: influxdb.optional().describe('Write to InfluxDB or a database that speaks its write API'),
  sqlite: sqlite.optional().describe('Write to an SQLite file (the default)'),
  bundle: bundle
    .optional()
    .describe('Write a bundle: files of line protocol, to be carried to a database and brought in there with "load"'),
}).superRefine((sinks, context) => {
  const [, ...others] = Object.entries(sinks).filter(([, options]) => options !== undefined)
  for (const [name] of others)
    context.addIssue({ code: 'custom', path: [name], message: 'one sink only: influxdb, sqlite or bundle' })
}, whateverOptions)
