import type { Faults } from './faults.ts'
import type { History } from './history.ts'
import type { Oddities } from './oddities.ts'
import type { Cost } from './pace.ts'
import type { ReleaseName } from './releases.ts'

/**
 * How a simulated gateway is and behaves. Every option may be left out; this file is their manual. All but `now` and `source`
 * are plain data, so that they can stand in a file.
 */
export interface SimulatorOptions {
  /** Address to listen on. Default 127.0.0.1. */
  readonly host?: string
  /** Port to listen on; 0 takes a free one. Releases up to 2.7 use 8443. Default 0. */
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
  /** Entries older than this are pruned as time goes on, ms; 0 = never. Default 0. */
  readonly retentionMs?: number
  /** Device types whose entries are kept for another time, ms by type name; 0 = never pruned. Default none. */
  readonly retentions?: Readonly<Record<string, number>>
  /** Fraction digits of stored times, 0 to 9; from 4 on, irregular datapoints log finer than a millisecond. Default 3. */
  readonly fractionDigits?: number
  /** Times with all stored digits (`fixed`), or as few as Java prints, `2022-04-11T08:00Z[UTC]` (`java`, §3.2). Default fixed. */
  readonly timeText?: 'fixed' | 'java'
  /** Shape of `tags`, not known exactly (§3.1). Default object. */
  readonly tagsShape?: 'object' | 'array'
  /** A recorded history instead of the computed one: `devices`, `interval`, `historyStart`, `fractionDigits` and most oddities then mean nothing. */
  readonly source?: History
  /** The clock, ms UTC. Sessions, history and the Date header follow it. Default the clock of this machine. */
  readonly now?: () => number
  /** What the gateway's clock is ahead of it, ms; negative = behind. Default 0. */
  readonly clockSkewMs?: number
  /** IANA zone of the gateway, for `local` times. Default America/Los_Angeles. */
  readonly zone?: string
  /** What log requests cost. Default nothing: as fast as it can. */
  readonly cost?: Cost
  /** Release whose habits are shown. Default 4.10. */
  readonly release?: ReleaseName
  /**
   * Whether a filter by instance name finds a datapoint whose `name` is null by its XIF name. The vendor's pages fall back
   * where they show names (protocol §3.1); that filters do is nowhere said. Default false: no instance name, no match.
   */
  readonly nameFallback?: boolean
  /**
   * Answer to a log query that makes no sense: `close` (1008 and no "end", so that a client's mistake is loud) or
   * `end` (as if nothing were stored). Not documented, protocol §10.2. Default close.
   */
  readonly badQuery?: 'close' | 'end'
  /** Life of a session, ms. Default 86 400 000 (24 h, the documented sample). */
  readonly sessionTimeoutMs?: number
  /** Whether using a session prolongs it. Not documented; the stricter answer is the default: false. */
  readonly slidingSessions?: boolean
  /** Whether open sockets are cut when their session ends. Not documented (§10.1). Default false. */
  readonly expiryClosesSockets?: boolean
  /** What REST answers without a living session: status 401, a redirect to /cms, or 200 with the login page as HTML. Default 401. */
  readonly expiredAnswer?: '401' | 'redirect' | 'html'
  /** HTTP status for a WebSocket upgrade without a living session. Not documented (§10.1). Default 401. */
  readonly upgradeRefusal?: 401 | 403 | 302
  /** Bad logins in a row until logins are refused with 429, at least 1. Default 5. */
  readonly lockAfter?: number
  /** How long logins are then refused, ms. Default 300 000. */
  readonly lockMs?: number
  /** REST calls a second before "requests too fast", 429; 0 = unlimited. Default 0. */
  readonly requestsPerSecond?: number
  /** Data-log sockets at once before an upgrade is refused with 503; 0 = unlimited. Default 0. */
  readonly maxLogSockets?: number
  /** Real ms between status updates on the general-purpose socket; 0 = none by themselves. Default 2000. */
  readonly statusMs?: number
  /** Misbehaviour towards requests, see faults.ts. Default none. */
  readonly faults?: Faults
  /** Strange data, see oddities.ts. Default none. */
  readonly oddities?: Oddities
}
