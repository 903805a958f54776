import PQueue from 'p-queue'
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
import { type Hindrance, hindranceOf } from './gates.ts'
import type { GatewayJob, GatewayOutcome, RunParts } from './job.ts'
import { createPace } from './pace.ts'
import { keepTold } from './told.ts'
import { type TransferProof, transfer } from './transfer.ts'
import { Troubles, triesOfPiece } from './troubles.ts'
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
 * All the work of one gateway: plans it lazily and carries out one request after the other within the limits. What
 * happens after a failure is decided by the failure itself (law 9), here and nowhere else:
 *
 *   too dense     → cut off by us: the same range again, in pieces as short as the log is dense; no failure at all
 *   reach request → the same piece again, then its halves, down to the shortest, which is parked; all that has not failed
 *                   goes before, from the other end too, so that a long sick stretch hides nothing that lies behind it
 *   reach gateway → wait, longer each time; given up at once if `never`, soon if it never answered, else after `patience`
 *   database away → the same piece again when it answers; no socket is open on the gateway meanwhile (law 7)
 *   reach sink or run → thrown: the whole run ends
 */
export async function runGateway(job: GatewayJob, parts: RunParts, signal: AbortSignal): Promise<GatewayOutcome> {
  return await new GatewayRun(job, parts, signal).run()
}

/** So long a socket is kept open, paused, for a database that does not answer. */
const databasePatienceMs = 30_000

const otherEnd = { oldest: 'newest', newest: 'oldest', rescue: 'newest' } as const

class GatewayRun {
  readonly #job: GatewayJob
  readonly #parts: RunParts
  /** Ends this gateway's other sockets when one of them meets what ends the run. */
  readonly #stop = new AbortController()
  readonly #signal: AbortSignal
  readonly #windows: Windows
  readonly #troubles: Troubles
  readonly #choice: Choice
  readonly #paced: (signal: AbortSignal) => Promise<void>
  readonly #receipt = emptyReceipt()
  #backlog: Backlog = { groups: new Map(), newestFirst: new Set(), pruned: new Map(), setAside: [] }
  /** What earlier runs have parked. */
  #knownSick = RangeSet.empty
  #problems: readonly DatapointProblem[] = []
  #clockDifferenceMs: number | undefined
  #settled: TimeRange | undefined
  #provisionalAfter: number | undefined
  #isLate = false
  #requests = 0
  #parked = 0
  #failure: Failure | undefined

  constructor(job: GatewayJob, parts: RunParts, signal: AbortSignal) {
    const { source, limits, requests } = job
    this.#job = job
    this.#parts = parts
    this.#signal = AbortSignal.any([signal, this.#stop.signal])
    this.#windows = new Windows(parts.ledger, source.name, requests)
    this.#troubles = job.troubles ?? new Troubles(parts.clock, limits.patience)
    this.#paced = createPace(limits.requestsPerMinute, parts.clock)
    this.#choice = {
      order: requests.order,
      windowOf: this.#windows.of,
      retentionOf: selectors => source.retentionOf?.(selectors),
    }
  }

  async run(): Promise<GatewayOutcome> {
    const { source } = this.#job
    const { sink, ledger, clock, observe } = this.#parts
    if (await this.#connect()) {
      this.#problems = source.problems?.() ?? []
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
    observe({ gateway: source.name, kind: 'ended', failure: this.#failure })
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
    this.#troubles.beginPass()
    while (await this.#heldOff()) {
      try {
        await this.#job.source.hello(this.#signal)
        this.#troubles.connected()
        return true
      } catch (error) {
        await this.#afterFailure(error, undefined)
      }
    }
    return false
  }

  async #work(): Promise<void> {
    const { sockets } = this.#job.limits
    const queue = new PQueue({ concurrency: sockets })
    const turns = Array.from({ length: sockets }, () => this.#takeTurns(queue))
    for (const turn of turns) turn.catch(error => this.#stop.abort(error))
    // nobody may close sink or ledger while a socket still works
    await Promise.allSettled(turns)
    await Promise.all(turns)
  }

  async #takeTurns(queue: PQueue): Promise<void> {
    while (this.#mayGoOn()) {
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

  #mayGoOn(): boolean {
    const { deadline } = this.#job.wish
    const isLate = deadline !== undefined && this.#parts.clock.now() >= deadline
    return this.#failure === undefined && !this.#isLate && !isLate && !isDone(this.#backlog)
  }

  /** Waits for as long as the gateway is to be left alone; false where that takes longer than this run has, or it was given up. */
  async #heldOff(): Promise<boolean> {
    const { deadline = Number.POSITIVE_INFINITY } = this.#job.wish
    for (let { held } = this.#troubles; held !== undefined && this.#failure === undefined; { held } = this.#troubles) {
      if (held.until >= deadline) this.#failure = held.by
      else {
        await this.#parts.clock.sleep(held.until - this.#parts.clock.now(), this.#signal)
        this.#troubles.lift(held)
      }
    }
    return this.#failure === undefined
  }

  /** One request, and the rest after it. */
  async #turn(): Promise<void> {
    await this.#heldOff()
    await this.#ready()
    await this.#paced(this.#signal)
    // meanwhile another socket may have met what holds all of them
    if (!this.#mayGoOn() || this.#troubles.held !== undefined) return
    const order = this.#troubles.wantsOtherEnd ? otherEnd[this.#choice.order] : this.#choice.order
    const piece = takePiece(this.#backlog, { ...this.#choice, order })
    if (piece === undefined) return
    try {
      await this.#carry(piece)
    } catch (error) {
      await this.#afterFailure(error, piece)
      return
    }
    if (!isDone(this.#backlog)) await this.#parts.clock.sleep(this.#job.limits.pause, this.#signal)
  }

  async #ready(): Promise<void> {
    const { source, wish } = this.#job
    const { deadline } = wish
    await this.#parts.sink.ready?.(this.#signal, { deadline, tell: this.#tellOutage })
    await source.ready?.(this.#signal, { deadline, tell: this.#tell })
  }

  readonly #tell = (hindrance: Hindrance | undefined) =>
    this.#parts.observe({ gateway: this.#job.source.name, kind: 'waiting', hindrance })

  readonly #tellOutage = (outage: Outage | undefined) => this.#tell(outage && hindranceOf(outage))

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
      waiting: { patienceMs: databasePatienceMs, tell: this.#tellOutage },
    }
    const receipt = await transfer(request, transferParts, this.#signal)
    this.#troubles.succeeded()
    this.#requests++
    addReceipt(this.#receipt, receipt)
    if (requests.per === 'auto') adaptWidth(this.#backlog, piece, receipt, source.name, ledger)
    observe({ gateway: source.name, kind: 'done', piece, receipt, lengthLeft: lengthLeft(this.#backlog) })
  }

  /** The table above. Throws what ends the whole run. */
  async #afterFailure(error: unknown, piece: Piece | undefined): Promise<void> {
    if (isAbort(error, this.#signal)) throw error
    const failure = toFailure(error)
    if (failure.reach === 'sink' && failure.retry === 'soon' && piece !== undefined) {
      // the next turn begins with waiting for the database
      giveBack(this.#backlog, piece)
      return
    }
    if (failure.reach === 'sink' || failure.reach === 'run') throw failure
    if (failure.code === 'too-dense' && piece !== undefined) {
      this.#windows.tighten(piece.group, piece.range, failure)
      // it brings entries: nothing is wrong with it, and it is to be cut anew
      giveBack(this.#backlog, { ...piece, isSuspect: false })
      await this.#parts.clock.sleep(this.#job.limits.pause, this.#signal)
      return
    }
    if (failure.reach === 'request' && piece !== undefined) this.#askAgain(piece, failure)
    else if (piece !== undefined) giveBack(this.#backlog, piece)
    const waitMs = this.#troubles.waitAfter(failure)
    if (waitMs === undefined) {
      if (!this.#parkTheRest(failure)) this.#failure ??= failure
      return
    }
    const about = piece === undefined ? {} : { piece }
    this.#parts.observe({ gateway: this.#job.source.name, kind: 'failed', failure, waitMs, ...about })
    // what holds all sockets is waited for by each of them, before it asks again
    if (this.#troubles.held !== undefined) return
    const restMs = Math.max(waitMs, this.#job.limits.pause)
    const { deadline = Number.POSITIVE_INFINITY } = this.#job.wish
    // what comes after the deadline is for the next run
    if (this.#parts.clock.now() + restMs >= deadline) this.#isLate = true
    else await this.#parts.clock.sleep(restMs, this.#signal)
  }

  #askAgain(piece: Piece, failure: Failure): void {
    const { shortest } = this.#job.requests
    const tries = piece.tries + 1
    if (tries < triesOfPiece && failure.retry !== 'never') {
      setAside(this.#backlog, { ...piece, tries })
      return
    }
    this.#windows.shrink(piece.group)
    const halves = halvePiece(piece, shortest)
    if (halves === undefined) this.#park({ ...piece, tries }, failure)
    else for (const half of halves) setAside(this.#backlog, { ...half, tries: this.#triesBefore(half) })
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
