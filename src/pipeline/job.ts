import type { DeadLetterBox } from '../dead-letters/dead-letters.ts'
import type { Clock } from '../domain/clock.ts'
import type { Selector } from '../domain/datapoint.ts'
import type { Failure } from '../domain/failure.ts'
import type { TimeRange } from '../domain/range.ts'
import type { Receipt } from '../domain/receipt.ts'
import type { DatapointProblem } from '../inventory/datapoint-problems.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Grouping, Order, Piece } from '../planning/backlog.ts'
import type { WindowLimits } from '../planning/window.ts'
import type { Mapping } from '../points/mapping.ts'
import type { Sink } from '../sinks/sink.ts'
import type { WaitReason } from './gate.ts'
import type { Throttle } from './throttle.ts'
import type { LogSource } from './transfer.ts'

/** A gateway, as far as a run sees it. */
export interface RunSource extends LogSource {
  readonly name: string
  hello(signal: AbortSignal): Promise<unknown>
  /** How long the gateway keeps what these log, ms, where it tells. */
  retentionOf(selectors: readonly Selector[]): number | undefined
  /** When it told that, by the host's clock, ms UTC. */
  toldAt(): number | undefined
  /** What is wrong with the configured datapoints, as known since `hello`. */
  problems(): readonly DatapointProblem[]
}

/** What is wanted of the gateways in a run. */
export interface Wish {
  /** What shall be covered in the end, by the gateway's clock; what is not settled yet is left out. */
  readonly wanted: (gatewayNow: number) => TimeRange
  /** See `missingRanges`. */
  readonly secondLookMs: number
  /** Each group's newest range comes first, whatever backlog there is. */
  readonly newestFirst: boolean
  /** Parked ranges that were tried within this time are left alone, ms; 0: all are tried again. */
  readonly parkedRestMs: number
  /** Also what is parked beyond the wanted time, but not before this moment, ms UTC: the database would not keep it. */
  readonly parkedSince?: number
  /** Of the wanted time, only what is parked. */
  readonly parkedOnly?: boolean
  /** No request is begun after this moment of the host's clock: what is left is for the next run. */
  readonly deadline: number | undefined
}

export interface GatewayJob {
  readonly source: RunSource
  readonly mapping: Mapping
  readonly selectors: readonly Selector[]
  readonly throttle: Throttle
  /** Data-log sockets at a time. */
  readonly sockets: number
  readonly requests: WindowLimits & { readonly per: Grouping; readonly order: Order }
  readonly maturity: { readonly settle: number; readonly lateness: number }
  readonly wish: Wish
}

export interface RunParts {
  readonly sink: Sink
  readonly ledger: Ledger
  readonly deadLetters: DeadLetterBox
  readonly clock: Clock
  readonly observe: (event: RunEvent) => void
}

/** What a run tells while it works; `gateway` names the one it is about. */
export type RunEvent = { readonly gateway: string } & (
  | { readonly kind: 'planned'; readonly lengthMs: number }
  | { readonly kind: 'done'; readonly piece: Piece; readonly receipt: Receipt; readonly lengthLeft: number }
  | { readonly kind: 'failed'; readonly failure: Failure; readonly waitMs: number }
  | { readonly kind: 'parked'; readonly piece: Piece; readonly failure: Failure }
  /** Its clock was: what is after this moment counts no more. */
  | { readonly kind: 'clock-set-back'; readonly after: number }
  /** Why the next request has to wait; undefined: it waits no longer. */
  | { readonly kind: 'waiting'; readonly reason: WaitReason | undefined }
  /** `reason`: what the work that is left would have had to wait for, beyond the deadline. */
  | { readonly kind: 'ended'; readonly failure: Failure | undefined; readonly reason: WaitReason | undefined }
)

export interface GatewayOutcome {
  readonly gateway: string
  readonly requests: number
  readonly receipt: Receipt
  /** The gateway's clock less the host's, ms; undefined where the gateway was never reached. */
  readonly clockDifferenceMs: number | undefined
  /** What was asked for: the wanted time as far as it has settled; undefined where the gateway was never reached. */
  readonly settled: TimeRange | undefined
  /** Of that, what is after this moment will be looked at once more; undefined: all of it is final. */
  readonly provisionalAfter: number | undefined
  /** Ranges of the wanted time that are parked after this run. */
  readonly parked: number
  /** Milliseconds of time, summed over selectors, that the deadline left for the next run. */
  readonly leftMs: number
  /** What is wrong with configured datapoints; those that the gateway does not have at all were not asked for. */
  readonly problems: readonly DatapointProblem[]
  /** Why the gateway was given up; undefined if all of its work was done, parked or left. */
  readonly failure: Failure | undefined
}
