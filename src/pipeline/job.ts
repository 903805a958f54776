import type { RequestsConfig } from '../config/config.ts'
import type { DeadLetterBox } from '../dead-letters/dead-letters.ts'
import type { Clock } from '../domain/clock.ts'
import type { Selector } from '../domain/datapoint.ts'
import type { Failure } from '../domain/failure.ts'
import type { TimeRange } from '../domain/range.ts'
import type { Receipt } from '../domain/receipt.ts'
import type { Remarked } from '../domain/remark.ts'
import type { FormedRule } from '../domain/rule-form.ts'
import type { DatapointProblem } from '../inventory/datapoint-problems.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Piece } from '../planning/backlog.ts'
import type { Demand } from '../planning/demand.ts'
import type { Delays } from '../planning/missing.ts'
import type { RuleChange } from '../planning/rule-changes.ts'
import type { Mapping } from '../points/mapping.ts'
import type { Sink } from '../sinks/sink.ts'
import type { ClockWatch } from './clock-watch.ts'
import type { DatabaseWatch } from './database-watch.ts'
import type { WaitReason } from './gate.ts'
import type { Throttle } from './throttle.ts'
import type { LogSource } from './transfer.ts'
import type { Turns } from './turns.ts'

/** Which configured names a gateway has. */
export interface Listing {
  /** Elapsed ms when it was read. */
  readonly readAt: number
  /** False: a name that it does not have, or an id that has another meaning than before. Undefined: not looked up. */
  has(selector: Selector): boolean | undefined
}

/** A gateway, as far as a run sees it. */
export interface RunSource extends LogSource {
  readonly name: string
  hello(signal: AbortSignal): Promise<unknown>
  /** True where its clock is the one that it logs by, not that of a `Date` header. */
  hasOwnTime(): boolean
  /** How long the gateway keeps what these log, ms, where it is known. */
  retentionOf(selectors: readonly Selector[]): number | undefined
  /** When that was read, by the host's clock, ms UTC. */
  retentionReadAt(): number | undefined
  /** The gateway's list, as last read; undefined: it could not be read. */
  listing(): Listing | undefined
  /** Reads the list again, unless that was done a short while ago, and looks these up for certain. */
  readListAgain(doubted: readonly Selector[], signal: AbortSignal): Promise<void>
  /** Entries a day that the gateway's log rules let expect; undefined: not known. */
  expectedPerDay(selector: Selector): number | undefined
  /** What is wrong with the configured datapoints, as known since `hello`. */
  problems(): readonly DatapointProblem[]
}

export interface GatewayJob {
  readonly source: RunSource
  readonly mapping: Mapping
  readonly selectors: readonly Selector[]
  /** What the points of the selectors are made by, in the order of the configuration. */
  readonly rules: readonly FormedRule[]
  readonly throttle: Throttle
  readonly clockWatch: ClockWatch
  readonly turns: Turns
  /** Data-log sockets at a time. */
  readonly sockets: number
  readonly requests: RequestsConfig
  readonly maturity: Delays
  readonly demand: Demand
  /** How long the database keeps points, ms; undefined: for ever. */
  readonly keptMs: number | undefined
}

export interface RunParts {
  readonly sink: Sink
  readonly ledger: Ledger
  readonly database: DatabaseWatch
  readonly deadLetters: DeadLetterBox
  readonly clock: Clock
  readonly observe: (event: RunEvent) => void
}

/** What a run reports while it works; `gateway` names the one it is about. */
export type RunEvent = { readonly gateway: string } & (
  | { readonly kind: 'planned'; readonly lengthMs: number }
  /** A request was sent: entries come from now on. */
  | { readonly kind: 'requested'; readonly piece: Piece }
  | { readonly kind: 'done'; readonly piece: Piece; readonly receipt: Receipt; readonly lengthLeft: number }
  | { readonly kind: 'failed'; readonly failure: Failure; readonly waitMs: number }
  | { readonly kind: 'parked'; readonly piece: Piece; readonly failure: Failure }
  /** The gateway does not list these names any more: what was complete by an empty answer since is fetched again. */
  | { readonly kind: 'names-missing'; readonly selectors: readonly Selector[] }
  /** The ledger did not know what the points of these were made by: they are taken for made by the rules of today. */
  | { readonly kind: 'rules-adopted'; readonly selectors: readonly Selector[] }
  /** The gateway's clock was set back: what was complete after this moment is fetched again. */
  | { readonly kind: 'clock-set-back'; readonly after: number }
  /** The database is not, or not wholly, what the ledger speaks of: what was taken back is fetched again. */
  | { readonly kind: 'database-doubted'; readonly words: readonly string[] }
  /** Why the next request has to wait; undefined: it waits no longer. */
  | { readonly kind: 'waiting'; readonly reason: WaitReason | undefined }
  /** `reason`: what the work that is left would have had to wait for, beyond the deadline. */
  | { readonly kind: 'ended'; readonly failure: Failure | undefined; readonly reason: WaitReason | undefined }
)

export interface GatewayOutcome {
  readonly gateway: string
  readonly requests: number
  readonly receipt: Receipt
  /** What a person should know of the values that were written. */
  readonly remarks: readonly Remarked[]
  /** The gateway's clock less the host's, ms; undefined where the gateway was never reached. */
  readonly clockDifferenceMs: number | undefined
  /** What was asked for: the wanted time as far as it has settled; undefined where the gateway was never reached. */
  readonly settled: TimeRange | undefined
  /** Of that, what is after this moment will be read again; undefined: all of it is final. */
  readonly provisionalAfter: number | undefined
  /** Ranges of the wanted time that are parked after this run. */
  readonly parked: number
  /** Milliseconds of time, summed over selectors, that the deadline left for the next run. */
  readonly leftMs: number
  /** True: the database holds fewer points than it has acknowledged. */
  readonly isShort: boolean
  /** What is wrong with configured datapoints; those that the gateway does not have at all were not asked for. */
  readonly problems: readonly DatapointProblem[]
  /** Datapoints that were not asked for, because their points were made by other rules than those of today. */
  readonly ruleChanges: readonly RuleChange[]
  /** Why the gateway was given up; undefined if all of its work was done, parked or left. */
  readonly failure: Failure | undefined
}
