import { z } from 'zod'
import { stepSchema } from './changes.ts'
import { faultSchema } from './faults.ts'
import { habitSchema } from './habits.ts'
import type { History } from './history.ts'
import { odditySchema } from './oddities.ts'
import { integer, number, text, wholeNumber, word, zoneName } from './option-values.ts'
import { type ReleaseName, releases } from './releases.ts'

const dayMs = 86_400_000

/** What log requests cost. */
export const costSchema = z.strictObject(
  {
    secondsPerRequest: number(0, 'seconds from a log request to its first entry', 0, 86_400),
    entriesPerSecond: number(
      0,
      'entries a second of the whole gateway, shared by all open log sockets; 0 = as fast as it can',
      0,
      1e9,
    ),
  },
  'a mapping',
)

/** How a gateway is. Each of these is a flag of `simulate` too. */
export const siteSchema = z.strictObject({
  host: text('127.0.0.1', 'address to listen on'),
  port: integer(0, 'port to listen on; 0 takes a free one. Releases up to 2.7 use 8443', 0, 65_535),
  username: text('etl', 'login'),
  password: text('secret', 'password of the login'),
  seed: integer(1, 'what history and chance are drawn from: same seed, same gateway', -Number.MAX_SAFE_INTEGER),
  devices: integer(40, 'devices, each with two or three logged datapoints', 0, 100_000),
  interval: number(300, 'base interval of the log, seconds; datapoints log at 1 to 24 times this', 0.001, 365 * 86_400),
  historyStart: wholeNumber(-8.64e15, 8.64e15)
    .optional()
    .describe('nothing older is logged, ms UTC; without it 30 days before the start, at midnight'),
  retentionMs: number(0, 'entries older than this are pruned as time goes on, ms; 0 = never'),
  fractionDigits: integer(
    3,
    'fraction digits of times; from 4 on, irregular datapoints log finer than a millisecond',
    0,
    9,
  ),
  release: word(Object.keys(releases) as ReleaseName[], '4.10', 'release whose habits are shown'),
  zone: zoneName('America/Los_Angeles', 'time zone of the gateway, for `local` times'),
  clockSkewMs: number(
    0,
    "what the gateway's clock is ahead of this machine's, ms; negative = behind",
    -Number.MAX_SAFE_INTEGER,
  ),
  sessionTimeoutMs: number(dayMs, 'life of a session, ms', 1),
  requestsPerSecond: integer(0, 'REST calls a second, more are refused with 429; 0 = no limit'),
  certificate: z
    .string('a text')
    .optional()
    .describe(
      'folder that keeps key and certificate, so that a restarted gateway is the same gateway; without it new ones',
    ),
  maxLogSockets: integer(0, 'data-log sockets at once, more are refused with 503; 0 = no limit'),
})

/** Every option that is plain data: from it come types, defaults, checks, the flags of `simulate` and their help. */
const optionSchema = z
  .strictObject(
    {
      ...siteSchema.shape,
      ...habitSchema.shape,
      cost: costSchema.prefault({}),
      faults: faultSchema.prefault({}),
      oddities: odditySchema.prefault({}),
      script: z.array(stepSchema, 'a list').readonly().default([]).describe('changes and their moments'),
    },
    'a mapping',
  )
  // A time stamp must be able to tell two log intervals apart.
  .superRefine(({ interval, fractionDigits }, { addIssue }) => {
    const finest = 10 ** -fractionDigits
    if (interval < finest) addIssue({ code: 'custom', path: ['interval'], message: `at least ${finest}` })
  })

/** What cannot stand in a file. */
interface Surroundings {
  /** A recorded history instead of the computed one: `devices`, `interval`, `historyStart`, `fractionDigits` and most oddities then mean nothing. */
  readonly source?: History | undefined
  /** The clock, ms UTC. Sessions, history and the Date header follow it. Default the clock of this machine. */
  readonly now?: (() => number) | undefined
}

export type PlainOptions = Readonly<z.input<typeof optionSchema>>
export type SimulatorOptions = PlainOptions & Surroundings
export type SimulatorSettings = Readonly<z.output<typeof optionSchema>> & {
  readonly historyStart: number
  readonly source: History | undefined
  readonly now: () => number
}

/** Fills in the defaults. Throws RangeError naming the option that is unknown or out of range. */
export function fillOptions({ now = Date.now, source, ...plain }: SimulatorOptions): SimulatorSettings {
  const filled = parseBy(optionSchema, plain)
  return { ...filled, historyStart: filled.historyStart ?? Math.floor(now() / dayMs) * dayMs - 30 * dayMs, now, source }
}

/** Options from a file, without the defaults. Throws RangeError for what is unknown or out of range. */
export function readOptions(data: unknown): PlainOptions {
  parseBy(optionSchema, data)
  return data as PlainOptions
}

/** Throws RangeError for the first option that is unknown or out of range. */
export function parseBy<Schema extends z.ZodType>(schema: Schema, data: unknown): z.output<Schema> {
  const { data: parsed, error } = schema.safeParse(data)
  if (error === undefined) return parsed
  const issue = error.issues[0]!
  if (issue.code === 'unrecognized_keys')
    throw new RangeError(`unknown option "${[...issue.path, issue.keys[0]].join('.')}"`)
  const given = issue.path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown>)[key], data)
  const name = issue.path.join('.') || 'options'
  throw new RangeError(`${name} must be ${issue.message}, not ${JSON.stringify(given)}`)
}
