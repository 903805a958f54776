import PQueue from 'p-queue'
import type { Clock } from '../domain/clock.ts'
import type { Selector } from '../domain/datapoint.ts'
import { type Failure, isAbort, toFailure } from '../domain/failure.ts'
import type { TimeRange } from '../domain/range.ts'
import { addReceipt, emptyReceipt, type Receipt } from '../domain/receipt.ts'
import type { DeadLetterBox } from '../ledger/dead-letters.ts'
import type { Ledger } from '../ledger/ledger.ts'
import {
  type Backlog,
  createBacklog,
  type Grouping,
  giveBack,
  halvePiece,
  isDone,
  lengthLeft,
  type Order,
  type Piece,
  takePiece,
} from '../planning/backlog.ts'
import { maturityAt, missingRanges } from '../planning/missing.ts'
import { adaptWindow, firstWindow, shrinkWindow, type WindowLimits } from '../planning/window.ts'
import type { Mapping } from '../points/mapping.ts'
import type { Sink } from '../sinks/sink.ts'
import { backoffMs } from './backoff.ts'
import { type LogSource, transfer } from './transfer.ts'

/** A gateway, as far as a run sees it. */
export interface RunSource extends LogSource {
  readonly name: string
  /** The gateway's clock (law 8), as known since `hello`. */
  readonly clock: { now(): number }
  hello(signal: AbortSignal): Promise<unknown>
  /** Resolves when the gateway may be asked for more (law 7). */
  ready?(signal: AbortSignal): Promise<void>
}

export interface RunLimits {
  /** Data-log sockets at a time. */
  readonly sockets: number
  /** Rest after each request. */
  readonly pause: number
  readonly requestsPerMinute: number
  /** How long a gateway that has worked before may be away until this run gives it up. */
  readonly patience: number
}

export interface GatewayJob {
  readonly source: RunSource
  readonly mapping: Mapping
  readonly selectors: readonly Selector[]
  readonly limits: RunLimits
  readonly requests: WindowLimits & { readonly per: Grouping; readonly order: Order }
  readonly maturity: { readonly settle: number; readonly lateness: number }
  /** What shall be covered in the end, by the gateway's clock. */
  readonly wanted: (gatewayNow: number) => TimeRange
  /** See `missingRanges`. */
  readonly secondLookMs: number
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
  | { readonly kind: 'failed'; readonly failure: Failure; readonly piece?: Piece; readonly waitMs: number }
  | { readonly kind: 'parked'; readonly piece: Piece; readonly failure: Failure }
)

export interface GatewayOutcome {
  readonly gateway: string
  readonly requests: number
  readonly receipt: Receipt
  /** Pieces parked in this run. */
  readonly parked: number
  /** Why the gateway was given up; undefined if all of its work was done or parked. */
  readonly failure: Failure | undefined
}

/** Tries of a piece before it is halved, or parked at the shortest length. */
const triesOfPiece = 3
/** Request failures in a row, over all pieces, after which the gateway itself is taken to be sick. */
const failuresInARow = 25
/** Tries to get through to a gateway that has not answered once in this run. */
const triesToConnect = 4
const longestRequestWaitMs = 10_000
const longestGatewayWaitMs = 60_000

/**
 * All the work of one gateway: plans it lazily and carries out one request after the other within the limits. What
 * happens after a failure is decided by the failure itself (law 9), here and nowhere else:
 *
 *   reach request → the same piece again, then its halves, down to the shortest; that one is parked and all else goes on
 *   reach gateway → wait, longer each time; given up at once if `never`, soon if it never answered, else after `patience`
 *   reach sink or run → thrown: the whole run ends
 */
export async function runGateway(job: GatewayJob, parts: RunParts, signal: AbortSignal): Promise<GatewayOutcome> {
  return await new GatewayRun(job, parts, signal).run()
}

class GatewayRun {
  readonly #job: GatewayJob
  readonly #parts: RunParts
  readonly #signal: AbortSignal
  readonly #windows = new Map<string, number>()
  readonly #receipt = emptyReceipt()
  #backlog: Backlog = { groups: new Map() }
  #requests = 0
  #parked = 0
  #inARow = 0
  #lastSuccess: number | undefined
  #failure: Failure | undefined

  constructor(job: GatewayJob, parts: RunParts, signal: AbortSignal) {
    this.#job = job
    this.#parts = parts
    this.#signal = signal
  }

  async run(): Promise<GatewayOutcome> {
    const { source } = this.#job
    if (await this.#connect()) {
      this.#plan()
      await this.#work()
    }
    return {
      gateway: source.name,
      requests: this.#requests,
      receipt: this.#receipt,
      parked: this.#parked,
      failure: this.#failure,
    }
  }

  async #connect(): Promise<boolean> {
    while (this.#failure === undefined) {
      try {
        await this.#job.source.hello(this.#signal)
        this.#succeeded()
        return true
      } catch (error) {
        await this.#afterFailure(error, undefined)
      }
    }
    return false
  }

  #plan(): void {
    const { source, selectors, wanted, maturity, secondLookMs, requests } = this.#job
    const { sink, ledger, observe } = this.#parts
    const now = source.clock.now()
    const moments = maturityAt(now, maturity)
    const range = wanted(now)
    const coverage = ledger.coverage({ sink: sink.id, gateway: source.name }, selectors)
    const missing = selectors.map(selector => ({
      selector,
      ranges: missingRanges(range, coverage.get(selector)!, moments, secondLookMs),
    }))
    this.#backlog = createBacklog(missing, requests.per, moments.matureUntil)
    observe({ gateway: source.name, kind: 'planned', lengthMs: lengthLeft(this.#backlog) })
  }

  async #work(): Promise<void> {
    const { sockets, requestsPerMinute } = this.#job.limits
    const queue = new PQueue({
      concurrency: sockets,
      intervalCap: 1,
      interval: 60_000 / requestsPerMinute,
      strict: true,
    })
    await Promise.all(Array.from({ length: sockets }, () => this.#takeTurns(queue)))
  }

  async #takeTurns(queue: PQueue): Promise<void> {
    while (this.#failure === undefined && !isDone(this.#backlog)) {
      let turn: Promise<void> | undefined
      try {
        await queue.add(
          () => {
            turn = this.#turn()
            return turn
          },
          { signal: this.#signal },
        )
      } finally {
        // an abort makes add() reject while the turn still cleans up
        await turn
      }
    }
  }

  /** One request, and the rest after it. */
  async #turn(): Promise<void> {
    await this.#job.source.ready?.(this.#signal)
    const piece = takePiece(this.#backlog, this.#job.requests.order, group => this.#windowOf(group))
    if (piece === undefined || this.#failure !== undefined) return
    try {
      await this.#carry(piece)
    } catch (error) {
      await this.#afterFailure(error, piece)
      return
    }
    if (!isDone(this.#backlog)) await this.#parts.clock.sleep(this.#job.limits.pause, this.#signal)
  }

  async #carry(piece: Piece): Promise<void> {
    const { source, mapping, requests } = this.#job
    const { sink, ledger, deadLetters, clock, observe } = this.#parts
    const { selectors, range, provisional, group } = piece
    const request = { gateway: source.name, selectors, range }
    const record = (receipt: Receipt) => {
      const { received, tookMs } = receipt
      const ms = adaptWindow(this.#windowOf(group), requests, { range, received, tookMs })
      ledger.complete({ sink: sink.id, request, provisional, receipt, window: { group, ms } })
      this.#windows.set(group, ms)
    }
    const receipt = await transfer(request, { source, mapping, sink, deadLetters, clock, record }, this.#signal)
    this.#succeeded()
    this.#requests++
    addReceipt(this.#receipt, receipt)
    observe({ gateway: source.name, kind: 'done', piece, receipt, lengthLeft: lengthLeft(this.#backlog) })
  }

  #succeeded(): void {
    this.#inARow = 0
    this.#lastSuccess = this.#parts.clock.now()
  }

  /** The table above. Throws what ends the whole run. */
  async #afterFailure(error: unknown, piece: Piece | undefined): Promise<void> {
    if (isAbort(error, this.#signal)) throw error
    const failure = toFailure(error)
    if (failure.reach === 'sink' || failure.reach === 'run') throw failure
    this.#inARow++
    if (failure.reach === 'request' && piece !== undefined) this.#askAgain(piece, failure)
    else if (piece !== undefined) giveBack(this.#backlog, piece)
    if (this.#isHopeless(failure)) {
      this.#failure ??= failure
      return
    }
    const mostMs = failure.reach === 'request' ? longestRequestWaitMs : longestGatewayWaitMs
    const waitMs = backoffMs(this.#inARow, mostMs, failure.retryAfterMs)
    this.#parts.observe({
      gateway: this.#job.source.name,
      kind: 'failed',
      failure,
      waitMs,
      ...(piece === undefined ? {} : { piece }),
    })
    await this.#parts.clock.sleep(waitMs, this.#signal)
  }

  #askAgain(piece: Piece, failure: Failure): void {
    const { shortest } = this.#job.requests
    const tries = piece.tries + 1
    if (tries < triesOfPiece && failure.retry !== 'never') {
      giveBack(this.#backlog, { ...piece, tries })
      return
    }
    this.#windows.set(piece.group, shrinkWindow(this.#windowOf(piece.group), this.#job.requests))
    const halves = halvePiece(piece, shortest)
    if (halves === undefined) this.#park(piece, failure, tries)
    else for (const half of halves) giveBack(this.#backlog, { ...half, tries: this.#triesBefore(half) })
  }

  /** Halves have one try each, or a sick minute would cost a storm of requests; the smallest have all of theirs. */
  #triesBefore(half: Piece): number {
    return halvePiece(half, this.#job.requests.shortest) === undefined ? 0 : triesOfPiece - 1
  }

  #park(piece: Piece, failure: Failure, tries: number): void {
    const { source } = this.#job
    const { selectors, range } = piece
    this.#parts.ledger.park(this.#parts.sink.id, { gateway: source.name, selectors, range }, failure, tries)
    this.#parked++
    this.#parts.observe({ gateway: source.name, kind: 'parked', piece, failure })
  }

  #isHopeless(failure: Failure): boolean {
    if (this.#inARow > failuresInARow) return true
    if (failure.reach === 'request') return false
    if (failure.retry === 'never') return true
    const { clock } = this.#parts
    if (this.#lastSuccess === undefined)
      return this.#inARow >= triesToConnect || (failure.retryAfterMs ?? 0) > longestGatewayWaitMs
    return clock.now() - this.#lastSuccess > this.#job.limits.patience
  }

  #windowOf(group: string): number {
    let windowMs = this.#windows.get(group)
    if (windowMs === undefined) {
      const { requests, source } = this.#job
      windowMs = this.#parts.ledger.windowOf(source.name, group) ?? firstWindow(requests)
      // the limits may have changed since
      windowMs = Math.min(requests.longest, Math.max(requests.shortest, windowMs))
      this.#windows.set(group, windowMs)
    }
    return windowMs
  }
}
