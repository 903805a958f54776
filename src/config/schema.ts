import { IANAZone } from 'luxon'
import { z } from 'zod'
import { day, hour, minute, second } from '../domain/duration.ts'
import { parseQuietHours } from '../domain/quiet-hours.ts'
import {
  distinctAddresses,
  distinctDatapoints,
  inOrder,
  oneTrust,
  roomForRereads,
  whateverItems,
  whateverOptions,
} from './cross-field-rules.ts'
import { datapointSchema } from './datapoint.ts'
import { sinkSchema } from './sink.ts'
import {
  duration,
  fingerprint256,
  gatewayAddress,
  line,
  listenAddress,
  oneOf,
  secret,
  section,
  size,
  wholeNumber,
  yesOrNo,
} from './values.ts'

/*
 * Every option of smartserver-etl.yaml: its line here is the manual (the JSON schema for editors is made from it).
 * What the program is given is in config.ts.
 */

const limits = section({
  sockets: wholeNumber({ from: 1, to: 8 })
    .prefault(1)
    .describe("Data-log sockets open at a time. The vendor's own pages keep to one"),
  pause: duration({ from: 0, to: hour, text: 'Rest between two requests' }).prefault('500ms'),
  requestsPerMinute: wholeNumber({ from: 1, to: 600 }).prefault(60).describe('Data-log requests begun in any minute'),
  pauseAboveCpu: oneOf('a whole number from 1 to 100, or off', [wholeNumber({ from: 1, to: 100 }), z.literal('off')])
    .prefault(85)
    .transform(percent => (percent === 'off' ? undefined : percent))
    .describe("No data-log request begins while the gateway's CPU is busier than this, in per cent; off: never wait"),
  quiet: line()
    .transform((text, context) => {
      const hours = parseQuietHours(text)
      if (hours === undefined)
        context.addIssue({ code: 'custom', message: 'expected hours of the day such as "07:00-18:00"' })
      return hours ?? z.NEVER
    })
    .optional()
    .describe('Hours of each day, "07:00-18:00", in which no data-log request begins, by the gateway\'s own clock'),
  zone: line()
    .refine(name => IANAZone.isValidZone(name), { error: 'expected the name of a time zone such as Europe/Berlin' })
    .prefault('UTC')
    .describe('Time zone for quiet, of gateways that do not report their own (before 4.1)'),
  patience: duration({
    from: 0,
    to: 7 * day,
    text: 'How long a gateway that worked before may be away before a one-off run gives it up',
  }).prefault('30m'),
})

const tls = section({
  ca: line().optional().describe('PEM file of the certificate, or of the authority that signed it'),
  fingerprint256: fingerprint256()
    .optional()
    .describe('SHA-256 fingerprint of the certificate (AB:CD:…): what fits a factory one'),
  verify: yesOrNo()
    .optional()
    .describe(
      'false: accept any certificate. Anyone on the network path can then read the password: for a trial at the bench only',
    ),
}).superRefine(oneTrust, whateverOptions)

const gateway = section({
  url: gatewayAddress().describe('https://host; https://host:8443 up to release 2.7'),
  username: secret().describe('Login: text, "${VARIABLE}" or { file: path }'),
  password: secret().describe('Password: "${VARIABLE}" or { file: path }; in text, $ is written $$'),
  tls: tls
    .prefault({})
    .describe('How the gateway proves who it is. Default: by the authorities that the system trusts'),
  limits: limits.prefault({}).describe('How much of the gateway the program may use: it is a guest there'),
  idleTimeout: duration({ from: second, to: hour, text: 'A data-log socket silent for so long has failed' }).prefault(
    '2m',
  ),
  generalSocket: yesOrNo()
    .prefault(true)
    .describe("Keep the gateway's general WebSocket open while working: CPU, clock, notifications"),
  datapoints: z
    .array(datapointSchema)
    .min(1)
    .superRefine(distinctDatapoints, whateverItems)
    .describe('What to fetch. Where several match an entry, the one that names the most parts decides'),
})

const requests = section({
  per: z
    .enum(['datapoint', 'device', 'gateway', 'auto'])
    .prefault('auto')
    .describe(
      'What one request asks for: each datapoint alone, a device at a time, or all of the gateway at once. auto: as measured; sync asks for all devices at once where most of what comes is wanted',
    ),
  entries: wholeNumber({ from: 100, to: 1_000_000 })
    .prefault(50_000)
    .describe('Entries a request aims for, or about 10 seconds: its range is made longer or shorter to fit'),
  shortest: duration({ from: second, to: 366 * day, text: 'The shortest range worth a request' }).prefault('1m'),
  longest: duration({ from: minute, to: 3660 * day, text: 'The longest range of a request' }).prefault('30d'),
  order: z
    .enum(['oldest', 'newest', 'rescue'])
    .prefault('oldest')
    .describe(
      'Which missing time comes first. rescue: what the gateway will delete first, where it reports its retention',
    ),
}).superRefine(inOrder('shortest', 'longest'), whateverOptions)

const sync = section({
  every: duration({ from: second, to: 7 * day, text: 'Time from one sync to the next' }).prefault('5m'),
  settle: duration({
    from: 0,
    to: day,
    text: "Nothing newer than this is asked for: the gateway's log may still be writing it",
  }).prefault('2m'),
  lateness: duration({
    from: 0,
    to: 366 * day,
    text: 'How late an entry may turn up: what is younger is fetched once more',
  }).prefault('1h'),
  since: duration({ from: minute, to: 36_600 * day, text: 'How far back the first sync reaches' }).prefault('90d'),
  verify: z
    .enum(['daily', 'off'])
    .prefault('daily')
    .describe(
      'daily: one complete range of each gateway is counted in the database every day, to see that it keeps what it acknowledges',
    ),
})
  .superRefine(inOrder('settle', 'lateness'), whateverOptions)
  .superRefine(roomForRereads, whateverOptions)

const metrics = section({
  listen: listenAddress()
    .optional()
    .describe('host:port at which "sync" shows its metrics to Prometheus, as /metrics; default: nowhere'),
})

const deadLetters = section({
  path: line().optional().describe('Folder of their files. Default: dead-letters beside the ledger'),
  maxSize: size({
    from: 1e6,
    text: 'Shared evenly among the gateways; one that would keep more than its share is given up, e.g. 100MB',
  }).prefault('1GB'),
})

const gatewayName = z
  .string()
  .refine(name => /^[\p{L}\p{N}][\p{L}\p{N}_.-]{0,62}$/u.test(name), {
    error: 'a gateway name has 1 to 63 letters, digits, dots, dashes or underscores, and begins with a letter or digit',
  })
  .describe('Name of the gateway: the value of the tag gateway')

/** The file as written, checked; files named in it are not read yet. */
export const settingsSchema = section({
  gateways: z
    .record(gatewayName, gateway)
    .refine(named => Object.keys(named).length > 0, { error: 'at least one gateway is needed' })
    .superRefine(distinctAddresses, whateverOptions)
    .describe('The SmartServers to read, by name'),
  sink: sinkSchema.prefault({}).describe('Where points go. Default: an SQLite file'),
  ledger: line()
    .prefault('data/ledger.db')
    .describe(
      "SQLite file of what is complete. Paths in this file are relative to its folder, or to that folder's parent where it is named config",
    ),
  deadLetters: deadLetters
    .prefault({})
    .describe('Entries that could not be written are kept here with their reasons, to be replayed'),
  requests: requests.prefault({}).describe('How the missing time is cut into requests'),
  sync: sync.prefault({}).describe('What the daemon keeps up to date, and how often'),
  metrics: metrics.prefault({}).describe('What the daemon reports to a monitoring system'),
})

export type Settings = z.output<typeof settingsSchema>
