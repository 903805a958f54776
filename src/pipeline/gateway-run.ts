import type { Selector } from '../domain/datapoint.ts'
import { type Failure, isAbort, toFailure } from '../domain/failure.ts'
import { RangeSet, type TimeRange } from '../domain/range.ts'
import { addReceipt, emptyReceipt } from '../domain/receipt.ts'
import type { DatapointProblem } from '../inventory/datapoint-problems.ts'
import {
  type Backlog,
  type Choice,
  giveBack,
  halvePiece,
  isDone,
  lengthLeft,
  type Piece,
  setAside,
  takePiece,
} from '../planning/backlog.ts'
import { clockSetBack } from '../planning/set-back.ts'
import { mostEntries } from '../planning/window.ts'
import type { Outage } from '../sinks/sink.ts'
import { decide, triesOfPiece } from './decide.ts'
import type { WaitReason } from './gate.ts'
import type { GatewayJob, GatewayOutcome, RunParts } from './job.ts'
import { databaseAway } from './throttle.ts'
import { keepTold } from './told.ts'
import { type TransferProof, transfer } from './transfer.ts'
import { Windows } from './windows.ts'
import {
  adaptWidth,
  askable,
  countParked,
  parkedRanges,
  planWork,
  provisionalAfter,
  rangesOf,
  settledRange,
} from './work.ts'

/**
 * All the work of one gateway: plans it lazily and carries out one request after the other, each admitted by the throttle.
 * What happens after a failure is decided in `decide` (law 9) and done here.
 */
export async function runGateway(job: GatewayJob, parts: RunParts, signal: AbortSignal): Promise<GatewayOutcome> {
  return await new GatewayRun(job, parts, signal).run()
}

/** So long a socket is kept open, paused, for a database that does not answer. */
const databasePatienceMs = 30_000

/** Request failures in a row after which it is worth looking whether other time is as sick. */
const failuresAtOneEnd = 4

const otherEnd = { oldest: 'newest', newest: 'oldest', rescue: 'newest' } as const

class GatewayRun {
  readonly #job: GatewayJob
  readonly #parts: RunParts
  /** Ends this gateway's other sockets when one of them meets what ends the run. */
  readonly #stop = new AbortController()
  readonly #signal: AbortSignal
  readonly #windows: Windows
  readonly #choice: Choice
  readonly #receipt = emptyReceipt()
  #backlog: Backlog = { groups: new Map(), newestFirst: new Set(), pruned: new Map(), setAside: [] }
  /** What earlier runs have parked. */
  #knownSick = RangeSet.empty
  #problems: readonly DatapointProblem[] = []
  #clockDifferenceMs: number | undefined
  #settled: TimeRange | undefined
  #provisionalAfter: number | undefined
  #refusedFor: WaitReason | undefined
  #requests = 0
  #parked = 0
  #failure: Failure | undefined

  constructor(job: GatewayJob, parts: RunParts, signal: AbortSignal) {
    const { source, requests } = job
    this.#job = job
    this.#parts = parts
    this.#signal = AbortSignal.any([signal, this.#stop.signal])
    this.#windows = new Windows(parts.ledger, source.name, requests)
    this.#choice = {
      order: requests.order,
      windowOf: this.#windows.of,
      retentionOf: selectors => source.retentionOf(selectors),
    }
  }

  async run(): Promise<GatewayOutcome> {
    const { source } = this.#job
    const { sink, ledger, clock, observe } = this.#parts
    if (await this.#connect()) {
      this.#problems = source.problems()
      const place = { sink: sink.id, gateway: source.name }
      const isProven = (selector: Selector) => ledger.hasContent(place, selector)
      const job = { ...this.#job, selectors: askable(this.#job.selectors, this.#problems, isProven) }
      this.#heedClock()
      keepTold(this.#job, ledger)
      this.#knownSick = rangesOf(parkedRanges(job, sink.id, ledger))
      const now = clock.now()
      this.#settled = settledRange(job)
      this.#backlog = planWork(job, sink.id, ledger, now)
      observe({ gateway: source.name, kind: 'planned', lengthMs: lengthLeft(this.#backlog) })
      await this.#work()
      this.#parked = countParked(job, sink.id, ledger)
      this.#provisionalAfter = provisionalAfter(job, sink.id, ledger)
    }
    observe({ gateway: source.name, kind: 'ended', failure: this.#failure, reason: this.#refusedFor })
    return {
      gateway: source.name,
      requests: this.#requests,
      receipt: this.#receipt,
      clockDifferenceMs: this.#clockDifferenceMs,
      settled: this.#settled,
      provisionalAfter: this.#provisionalAfter,
      parked: this.#parked,
      leftMs: lengthLeft(this.#backlog),
      problems: this.#problems,
      failure: this.#failure,
    }
  }

  /** Time that the gateway goes through once again is not complete, whatever it was (law 8). */
  #heedClock(): void {
    const { source } = this.#job
    const { ledger, clock, observe } = this.#parts
    const reading = { host: clock.now(), gateway: source.clock.now() }
    this.#clockDifferenceMs = reading.gateway - reading.host
    const after = clockSetBack(ledger.clockOf(source.name), reading)
    if (after === undefined) return
    if (ledger.uncoverAfter(source.name, after, reading.gateway))
      observe({ gateway: source.name, kind: 'clock-set-back', after })
  }

  async #connect(): Promise<boolean> {
    const { source, throttle, wish } = this.#job
    throttle.circuit.beginPass()
    while (this.#failure === undefined) {
      const { isAdmitted, reason } = await throttle.admitLogin(this.#signal, wish.deadline, this.#tell)
      if (!isAdmitted) {
        this.#refused(reason)
        return false
      }
      try {
        await source.hello(this.#signal)
        throttle.circuit.connected()
        return true
      } catch (error) {
        if (isAbort(error, this.#signal)) throw error
        const failure = toFailure(error)
        const waitMs = throttle.circuit.failed(failure)
        this.#afterFailure(failure, undefined, waitMs)
      }
    }
    return false
  }

  async #work(): Promise<void> {
    const loops = Array.from({ length: this.#job.sockets }, () => this.#requestAfterRequest())
    for (const loop of loops) loop.catch(error => this.#stop.abort(error))
    // sink and ledger must not be closed while a socket still works
    await Promise.allSettled(loops)
    await Promise.all(loops)
  }

  async #requestAfterRequest(): Promise<void> {
    const { throttle, wish } = this.#job
    while (this.#failure === undefined && !isDone(this.#backlog)) {
      const { isAdmitted, reason } = await throttle.admit(this.#signal, wish.deadline, this.#tell)
      if (!isAdmitted) {
        this.#refused(reason)
        return
      }
      const piece = this.#nextPiece()
      if (piece === undefined) {
        throttle.ended('unused')
        return
      }
      try {
        await this.#carry(piece)
        throttle.ended('ok')
      } catch (error) {
        if (isAbort(error, this.#signal)) {
          throttle.ended('stopped')
          throw error
        }
        const failure = toFailure(error)
        this.#afterFailure(failure, piece, throttle.ended(failure))
      }
    }
  }

  #nextPiece(): Piece | undefined {
    // while this socket waited another one may have met what ends the pass
    if (this.#failure !== undefined) return undefined
    const { order } = this.#choice
    const failed = this.#job.throttle.circuit.state.requestFailures
    const isOtherEnd = failed > 0 && failed % (failuresAtOneEnd + 1) === failuresAtOneEnd
    return takePiece(this.#backlog, { ...this.#choice, order: isOtherEnd ? otherEnd[order] : order })
  }

  /** What is left is for the next run. */
  #refused(reason: WaitReason | undefined): void {
    this.#refusedFor = reason
    if (reason?.kind === 'circuit-open') this.#failure ??= reason.failure
  }

  readonly #tell = (reason: WaitReason | undefined) =>
    this.#parts.observe({ gateway: this.#job.source.name, kind: 'waiting', reason })

  async #carry(piece: Piece): Promise<void> {
    const { source, mapping, requests } = this.#job
    const { sink, ledger, deadLetters, clock, observe } = this.#parts
    const { selectors, range, provisional, group } = piece
    const request = { gateway: source.name, selectors, range }
    const record = (proof: TransferProof) => {
      const window = { group, ms: this.#windows.adapt(group, range, proof.receipt) }
      const gatewayNow = source.clock.now()
      ledger.complete({ ...proof, sink: sink.id, request, provisional, window, gatewayNow })
    }
    const transferParts = {
      source,
      mapping,
      sink,
      deadLetters,
      clock,
      provisional,
      record,
      mostEntries: mostEntries(piece, requests),
      waiting: {
        patienceMs: databasePatienceMs,
        tell: (outage: Outage | undefined) => this.#tell(outage && databaseAway(outage)),
      },
    }
    const receipt = await transfer(request, transferParts, this.#signal)
    this.#requests++
    addReceipt(this.#receipt, receipt)
    if (requests.per === 'auto') adaptWidth(this.#backlog, piece, receipt, source.name, ledger)
    observe({ gateway: source.name, kind: 'done', piece, receipt, lengthLeft: lengthLeft(this.#backlog) })
  }

  /** Throws what ends the whole run. */
  #afterFailure(failure: Failure, piece: Piece | undefined, waitMs: number): void {
    const { source, throttle, requests } = this.#job
    const halves = piece && halvePiece(piece, requests.shortest)
    const tried = piece && { ...piece, tries: piece.tries + 1 }
    const decision = decide(
      failure,
      tried && { tries: tried.tries, canBeHalved: halves !== undefined },
      throttle.circuit.state,
    )
    if (decision.ends === 'run') throw failure
    if (piece !== undefined && tried !== undefined) {
      if (decision.piece === 'shorten') {
        this.#windows.tighten(piece.group, piece.range, failure)
        // it brings entries: nothing is wrong with it, and it is to be cut anew
        giveBack(this.#backlog, { ...piece, isSuspect: false })
      } else if (decision.piece === 'give-back') giveBack(this.#backlog, piece)
      else if (decision.piece === 'set-aside') setAside(this.#backlog, tried)
      else this.#windows.shrink(piece.group)
      if (decision.piece === 'park') this.#park(tried, failure)
      if (decision.piece === 'halve')
        for (const half of halves ?? []) setAside(this.#backlog, { ...half, tries: this.#triesBefore(half) })
    }
    if (decision.ends === 'gateway' && !this.#parkTheRest(failure)) this.#failure ??= failure
    if (decision.ends === 'gateway' || failure.reach === 'sink' || decision.piece === 'shorten') return
    this.#parts.observe({ gateway: source.name, kind: 'failed', failure, waitMs })
  }

  /** What alone is left is sick through and through: parked as it is, instead of blaming the gateway for it. */
  #parkTheRest(failure: Failure): boolean {
    const { groups, setAside: rest } = this.#backlog
    if (failure.reach !== 'request' || groups.size > 0 || rest.length === 0) return false
    const isKnown = rest.every(({ range }) => this.#knownSick.covers(range))
    if (this.#requests === 0 && !isKnown) return false
    for (const piece of rest.splice(0)) this.#park(piece, failure)
    return true
  }

  /** Halves have one try each, or a sick minute would cost a storm of requests; the smallest have all of theirs. */
  #triesBefore(half: Piece): number {
    return halvePiece(half, this.#job.requests.shortest) === undefined ? 0 : triesOfPiece - 1
  }

  #park(piece: Piece, failure: Failure): void {
    const { source } = this.#job
    const { selectors, range, tries } = piece
    this.#parts.ledger.park(this.#parts.sink.id, { gateway: source.name, selectors, range }, failure, tries)
    this.#parts.observe({ gateway: source.name, kind: 'parked', piece, failure })
  }
}
