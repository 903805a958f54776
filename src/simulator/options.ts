import type { Cost } from './pace.ts'
import { type ReleaseName, releases } from './releases.ts'

/** How a simulated gateway is and behaves. Every option may be left out; this file is their manual. */
export interface SimulatorOptions {
  /** Address to listen on. Default 127.0.0.1. */
  readonly host?: string
  /** Port to listen on; 0 takes a free one. Default 0. */
  readonly port?: number
  /** Login. Default `etl`. */
  readonly username?: string
  /** Password of the login. Default `secret`. */
  readonly password?: string
  /** More logins, user name to password. Default none. */
  readonly accounts?: Readonly<Record<string, string>>
  /** What the history and all chance are drawn from, an integer: same seed, same gateway. Default 1. */
  readonly seed?: number
  /** Number of devices, each with two or three logged datapoints, 0 to 100 000. Default 40. */
  readonly devices?: number
  /** Base log interval, seconds; datapoints log at 1 to 24 times this. Default 300. */
  readonly interval?: number
  /** Nothing before this is stored, ms UTC. Default 30 days before the start of the simulator, at midnight. */
  readonly historyStart?: number
  /** Fraction digits of stored times, 0 to 9; from 4 on, irregular datapoints log finer than a millisecond. Default 3. */
  readonly fractionDigits?: number
  /** The gateway's clock, ms UTC. Sessions, history and the Date header follow it. Default the clock of this machine. */
  readonly now?: () => number
  /** IANA zone of the gateway, for `local` times. Default America/Los_Angeles. */
  readonly zone?: string
  /** What log requests cost. Default nothing: as fast as it can. */
  readonly cost?: Cost
  /** Release whose habits are shown. Default 4.10. */
  readonly release?: ReleaseName
  /**
   * Answer to a log query that makes no sense: `close` (1008 and no "end", so that a client's mistake is loud) or
   * `end` (as if nothing were stored). Not documented, protocol §10.2. Default close.
   */
  readonly badQuery?: 'close' | 'end'
  /** Life of a session, ms. Default 86 400 000 (24 h, the documented sample). */
  readonly sessionTimeoutMs?: number
  /** Whether using a session prolongs it. Not documented; the stricter answer is the default: false. */
  readonly slidingSessions?: boolean
  /** Bad logins in a row until logins are refused with 429, at least 1. Default 5. */
  readonly lockAfter?: number
  /** How long logins are then refused, ms. Default 300 000. */
  readonly lockMs?: number
  /** HTTP status for a WebSocket upgrade without a living session. Not documented (§10.1). Default 401. */
  readonly upgradeRefusal?: 401 | 403 | 302
}

/** The options with every default filled in. */
export type SimulatorSettings = Required<SimulatorOptions>

const dayMs = 86_400_000

/** Fills in the defaults. Throws RangeError naming the option that is out of range. */
export function fillOptions(options: SimulatorOptions): SimulatorSettings {
  const now = options.now ?? Date.now
  const settings: SimulatorSettings = {
    host: '127.0.0.1',
    port: 0,
    username: 'etl',
    password: 'secret',
    accounts: {},
    seed: 1,
    devices: 40,
    interval: 300,
    historyStart: Math.floor(now() / dayMs) * dayMs - 30 * dayMs,
    fractionDigits: 3,
    zone: 'America/Los_Angeles',
    cost: {},
    release: '4.10',
    badQuery: 'close',
    sessionTimeoutMs: dayMs,
    slidingSessions: false,
    lockAfter: 5,
    lockMs: 300_000,
    upgradeRefusal: 401,
    ...options,
    now,
  }
  requireInteger('port', settings.port, 0, 65_535)
  requireInteger('seed', settings.seed, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)
  requireInteger('devices', settings.devices, 0, 100_000)
  requireInteger('fractionDigits', settings.fractionDigits, 0, 9)
  requireInteger('historyStart', settings.historyStart, -8.64e15, 8.64e15)
  requireInteger('lockAfter', settings.lockAfter, 1, 1_000_000)
  // A time stamp must be able to tell two buckets apart.
  requireNumber('interval', settings.interval, Math.max(0.001, 10 ** -settings.fractionDigits), 86_400 * 365)
  requireNumber('sessionTimeoutMs', settings.sessionTimeoutMs, 1, Number.MAX_SAFE_INTEGER)
  requireNumber('lockMs', settings.lockMs, 0, Number.MAX_SAFE_INTEGER)
  requireNumber('cost.secondsPerRequest', settings.cost.secondsPerRequest ?? 0, 0, 86_400)
  requireNumber('cost.entriesPerSecond', settings.cost.entriesPerSecond ?? 0, 0, 1e9)
  if (!Object.hasOwn(releases, settings.release)) {
    throw new RangeError(`release must be one of ${Object.keys(releases).join(', ')}, not ${settings.release}`)
  }
  return settings
}

function requireNumber(name: string, value: number, least: number, most: number): void {
  if (!(value >= least && value <= most))
    throw new RangeError(`${name} must be between ${least} and ${most}, not ${value}`)
}

function requireInteger(name: string, value: number, least: number, most: number): void {
  requireNumber(name, value, least, most)
  if (!Number.isInteger(value)) throw new RangeError(`${name} must be an integer, not ${value}`)
}
