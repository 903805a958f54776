import { type FaultSettings, type Faults, noFaults } from './faults.ts'
import { noOddities, type Oddities } from './oddities.ts'
import type { SimulatorOptions } from './options.ts'
import { releases } from './releases.ts'
import { openZone } from './timestamps.ts'

/** What is expected instead of the value; undefined if the value will do. */
type Check = (value: unknown) => string | undefined

const between =
  (least: number, most: number): Check =>
  value =>
    typeof value === 'number' && value >= least && value <= most ? undefined : `between ${least} and ${most}`

const integer =
  (least: number, most: number): Check =>
  value =>
    Number.isInteger(value) ? between(least, most)(value) : `an integer between ${least} and ${most}`

const oneOf =
  (...choices: readonly (string | number)[]): Check =>
  value =>
    choices.some(choice => choice === value) ? undefined : `one of ${choices.join(', ')}`

const listOf =
  (...choices: readonly number[]): Check =>
  value =>
    Array.isArray(value) && value.length > 0 && value.every(item => choices.includes(item))
      ? undefined
      : `a list of ${choices.join(', ')}`

const isMapping = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const text: Check = value => (typeof value === 'string' && value !== '' ? undefined : 'a text')
const flag: Check = value => (typeof value === 'boolean' ? undefined : 'true or false')
const zoneName: Check = value => {
  try {
    if (typeof value === 'string') openZone(value)
    return typeof value === 'string' ? undefined : 'a time zone'
  } catch {
    return 'an IANA time zone, as America/Los_Angeles'
  }
}
/** YAML takes 4.10 for the number 4.1. */
const releaseName: Check = value => {
  const expected = oneOf(...Object.keys(releases))(value)
  return typeof value === 'number' ? `in quotes, ${expected}` : expected
}
const mapping: Check = value => (isMapping(value) ? undefined : 'a mapping')
const milliseconds = between(0, Number.MAX_SAFE_INTEGER)
const chance = between(0, 1)
const most = Number.MAX_SAFE_INTEGER

const checks: Readonly<Record<keyof SimulatorOptions, Check>> = {
  host: text,
  port: integer(0, 65_535),
  username: text,
  password: text,
  accounts: value =>
    isMapping(value) && Object.values(value).every(item => typeof item === 'string') ? undefined : 'texts by name',
  seed: integer(-most, most),
  devices: integer(0, 100_000),
  interval: between(0.001, 86_400 * 365),
  historyStart: integer(-8.64e15, 8.64e15),
  retentionMs: milliseconds,
  retentions: value =>
    isMapping(value) && Object.values(value).every(item => milliseconds(item) === undefined)
      ? undefined
      : 'milliseconds by device type',
  fractionDigits: integer(0, 9),
  timeText: oneOf('fixed', 'java'),
  tagsShape: oneOf('object', 'array'),
  source: mapping,
  now: value => (typeof value === 'function' ? undefined : 'a function'),
  clockSkewMs: between(-most, most),
  zone: zoneName,
  cost: mapping,
  release: releaseName,
  nameFallback: flag,
  badQuery: oneOf('close', 'end'),
  sessionTimeoutMs: between(1, most),
  slidingSessions: flag,
  expiryClosesSockets: flag,
  expiredAnswer: oneOf('401', 'redirect', 'html'),
  upgradeRefusal: oneOf(401, 403, 302),
  lockAfter: integer(1, 1_000_000),
  lockMs: milliseconds,
  requestsPerSecond: integer(0, most),
  maxLogSockets: integer(0, most),
  statusMs: between(0, 2 ** 31 - 1),
  faults: mapping,
  oddities: mapping,
}

const faultChecks: Partial<Record<keyof Faults, Check>> = {
  noEndCodes: listOf(1000, 1001, 1006, 1011, 1012, 1013),
  refuseWith: listOf(302, 401, 403, 503),
  stallMs: between(0, 2 ** 31 - 1),
  trickleMs: between(0, 2 ** 31 - 1),
  strikeWithin: integer(1, most),
  shuffleWindow: integer(1, 100_000),
  oversizedBytes: integer(2, 512 * 1024 * 1024),
  pruneMs: integer(0, 2 ** 31),
  widenMs: integer(0, 2 ** 31),
}

const oddityChecks: Partial<Record<keyof Oddities, Check>> = {
  lateMs: integer(1, 2 ** 31),
  futureMs: integer(1, 2 ** 31),
}

const costChecks = { secondsPerRequest: between(0, 86_400), entriesPerSecond: between(0, 1e9) }

/** Throws RangeError naming the first option that is unknown or out of range. */
export function checkOptions(options: object): asserts options is SimulatorOptions {
  checkAll('', options, checks)
  const { cost, faults, oddities, interval, fractionDigits } = options as SimulatorOptions
  if (cost !== undefined) checkAll('cost.', cost, costChecks)
  checkFaults(faults ?? {})
  if (oddities !== undefined) checkAll('oddities.', oddities, { ...chances(noOddities), ...oddityChecks })
  // A time stamp must be able to tell two log intervals apart.
  const finest = 10 ** -(fractionDigits ?? 3)
  if (interval !== undefined && interval < finest)
    throw new RangeError(`interval must be at least ${finest}, not ${interval}`)
}

function checkFaults(faults: Faults): void {
  checkAll('faults.', faults, { ...chances(noFaults), ...faultChecks })
}

function chances<T extends object>(defaults: T): Record<keyof T, Check> {
  return Object.fromEntries(Object.keys(defaults).map(key => [key, chance])) as Record<keyof T, Check>
}

function checkAll(prefix: string, values: object, known: Readonly<Record<string, Check>>): void {
  for (const [key, value] of Object.entries(values)) {
    const check = Object.hasOwn(known, key) ? known[key] : undefined
    if (check === undefined) throw new RangeError(`unknown option "${prefix}${key}"`)
    const expected = check(value)
    if (expected !== undefined)
      throw new RangeError(`${prefix}${key} must be ${expected}, not ${JSON.stringify(value)}`)
  }
}

/** Faults with changes applied, checked. */
export function changeFaults(current: FaultSettings, changes: Faults): FaultSettings {
  checkFaults(changes)
  return { ...current, ...changes }
}
