import type { Faults } from './faults.ts'
import type { Habits } from './habits.ts'
import type { History } from './history.ts'
import type { Oddities } from './oddities.ts'
import type { Cost } from './pace.ts'
import type { ReleaseName } from './releases.ts'

/**
 * How a simulated gateway is and behaves. Every option may be left out; this file is their manual, with habits.ts. All but
 * `now` and `source` are plain data, so that they can stand in a file.
 */
export interface SimulatorOptions extends Habits {
  /** Address to listen on. Default 127.0.0.1. */
  readonly host?: string
  /** Port to listen on; 0 takes a free one. Releases up to 2.7 use 8443. Default 0. */
  readonly port?: number
  /** Login. Default `etl`. */
  readonly username?: string
  /** Password of the login. Default `secret`. */
  readonly password?: string
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
  /** Fraction digits of stored times, 0 to 9; from 4 on, irregular datapoints log finer than a millisecond. Default 3. */
  readonly fractionDigits?: number
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
  /** Life of a session, ms. Default 86 400 000 (24 h, the documented sample). */
  readonly sessionTimeoutMs?: number
  /** REST calls a second before "requests too fast", 429; 0 = unlimited. Default 0. */
  readonly requestsPerSecond?: number
  /** Data-log sockets at once before an upgrade is refused with 503; 0 = unlimited. Default 0. */
  readonly maxLogSockets?: number
  /** Misbehaviour towards requests, see faults.ts. Default none. */
  readonly faults?: Faults
  /** Strange data, see oddities.ts. Default none. */
  readonly oddities?: Oddities
}
