import type { Selector } from '../domain/datapoint.ts'
import { Failure, isAbort, toFailure } from '../domain/failure.ts'
import { isoText } from '../domain/instant.ts'
import { addReceipt, emptyReceipt } from '../domain/receipt.ts'
import { Remarks } from '../domain/remark.ts'
import type { Piece } from '../planning/backlog.ts'
import { isImpossibleClock } from '../planning/clock-premise.ts'
import { deadlineOf } from '../planning/demand.ts'
import { stateOf } from '../planning/plan.ts'
import { barredBy, type RuleChange, rulesFor } from '../planning/rule-changes.ts'
import { entryLimit } from '../planning/window.ts'
import type { Outage } from '../sinks/sink.ts'
import { gatewayFailure } from '../smartserver/failures.ts'
import { doubtedNames, doubtsAnswer, settleNames } from './answer-premise.ts'
import type { ClockLook } from './clock-watch.ts'
import type { DatabaseWatch } from './database-watch.ts'
import { decide } from './decide.ts'
import { transferFailure } from './failures.ts'
import type { WaitReason } from './gate.ts'
import type { GatewayJob, GatewayOutcome, RunParts } from './job.ts'
import { heedClock, rememberRetention, rememberWanted } from './remember.ts'
import { settleRules } from './rule-premise.ts'
import { databaseAway } from './throttle.ts'
import { type TransferProof, transfer } from './transfer.ts'
import { planWork, type Work } from './work.ts'

/**
 * All the work of one gateway: plans it lazily and carries out one request after the other, each admitted by the throttle.
 * What happens after a failure is decided in `decide` (law 9) and done here.
 */
export async function runGateway(job: GatewayJob, parts: RunParts, signal: AbortSignal): Promise<GatewayOutcome> {
  return await new GatewayRun(job, parts, signal).run()
}

/** A socket is kept open, paused, for so long when the database does not answer. */
const databasePatienceMs = 30_000

/** Request failures in a row after which it is worth looking whether other time is as sick. */
const failuresAtOneEnd = 4

class GatewayRun {
  readonly #job: GatewayJob
  readonly #parts: RunParts
  readonly #deadline: number | undefined
  readonly #started: number
  /** For the first request: as much time as the pass had before the login took its part. */
  #firstDeadline: number | undefined
  /** Ends this gateway's other sockets when one of them meets what ends the run. */
  readonly #stop = new AbortController()
  readonly #signal: AbortSignal
  readonly #receipt = emptyReceipt()
  readonly #remarks = new Remarks()
  #requests = 0
  /** Some answer was improbable: its range is provisional. */
  #hasDoubts = false
  /** The database holds fewer points than it has acknowledged. */
  #isShort = false
  /** What was planned holds for this generation of the database. */
  #planned = 0
  #refusedFor: WaitReason | undefined
  #failure: Failure | undefined

  constructor(job: GatewayJob, parts: RunParts, signal: AbortSignal) {
    this.#job = job
    this.#parts = parts
    this.#deadline = deadlineOf(job.demand)
    this.#started = parts.clock.now()
    this.#signal = AbortSignal.any([signal, this.#stop.signal])
  }

  async run(): Promise<GatewayOutcome> {
    const { source } = this.#job
    const { sink, ledger, observe } = this.#parts
    let clockDifferenceMs: number | undefined
    let work: Work | undefined
    let changes: readonly RuleChange[] = []
    if (await this.#connect()) {
      const look = this.#heedClock()
      clockDifferenceMs = look.reading.gateway - look.reading.host
      rememberRetention(this.#job, ledger)
      settleNames(this.#job, ledger, observe)
      rememberWanted(this.#job, ledger)
      changes = settleRules(this.#job, { ledger, sink: sink.id, observe })
      const barred = barredBy(changes)
      this.#beginRequests()
      work = await this.#carryOut(barred)
      // looked at in any case, before anything is called complete
      const hasLostNames = await this.#hasLostNames()
      const hasLostPoints = await this.#hasLostPoints()
      const asksAgain = this.#hasDoubts && this.#job.demand.kind !== 'sync' && this.#failure === undefined
      if (hasLostNames || hasLostPoints || asksAgain) {
        work = await this.#carryOut(barred)
        await this.#hasLostNames()
        if (await this.#hasLostPoints())
          this.#failure ??= transferFailure('database-changed', `${sink.label} has lost points once more`)
      }
    }
    observe({ gateway: source.name, kind: 'ended', failure: this.#failure, reason: this.#refusedFor })
    const state = work && stateOf(work.plan, { sink: sink.id, gateway: source.name }, ledger)
    return {
      gateway: source.name,
      requests: this.#requests,
      receipt: this.#receipt,
      remarks: this.#remarks.all(),
      clockDifferenceMs,
      settled: work?.plan.settled,
      provisionalAfter: state?.provisionalAfter,
      parked: state?.parked ?? 0,
      leftMs: work?.leftMs ?? 0,
      isShort: this.#isShort,
      problems: work === undefined ? [] : source.problems(),
      ruleChanges: changes,
      failure: this.#failure,
    }
  }

  async #connect(): Promise<boolean> {
    const { source, throttle } = this.#job
    throttle.circuit.beginPass({ isScheduled: this.#deadline !== undefined })
    while (this.#failure === undefined) {
      const { isAdmitted, reason } = await throttle.admitLogin(this.#signal, this.#deadline, this.#tell)
      if (!isAdmitted) {
        this.#refused(reason)
        return false
      }
      try {
        await source.hello(this.#signal)
        const lost = this.#lostClock()
        if (lost !== undefined) throw lost
        throttle.circuit.connected()
        return true
      } catch (error) {
        if (isAbort(error, this.#signal)) throw error
        const failure = toFailure(error)
        const waitMs = throttle.circuit.failed(failure)
        const { ends } = decide(failure, undefined, throttle.circuit.state)
        if (ends === 'run') throw failure
        if (ends === 'gateway') this.#failure = failure
        else this.#parts.observe({ gateway: source.name, kind: 'failed', failure, waitMs })
      }
    }
    return false
  }

  /** Before anything is called complete: are the names still there that were answered with nothing? */
  async #hasLostNames(): Promise<boolean> {
    const { source } = this.#job
    const { ledger, clock, observe } = this.#parts
    const doubted = this.#failure === undefined ? doubtedNames(this.#job, ledger, clock.elapsed()) : []
    if (doubted.length === 0) return false
    await source.readListAgain(doubted, this.#signal)
    return settleNames(this.#job, ledger, observe) > 0
  }

  /** Before anything is called complete: does the database still hold it? */
  async #hasLostPoints(): Promise<boolean> {
    const { database } = this.#parts
    // before each request of a pass it is looked at too
    const isOver = this.#deadline !== undefined && this.#parts.clock.now() >= this.#deadline
    if (this.#failure !== undefined || isOver) return false
    const isLast = this.#job.demand.kind !== 'sync' && this.#requests > 0
    await this.#confirmDatabase(isLast ? database.confirm : database.confirmIfDue)
    return database.generation !== this.#planned
  }

  /** A database that is away is confirmed when it is back: by a later pass, where there is one. */
  async #confirmDatabase(confirm: DatabaseWatch['confirm']): Promise<void> {
    const { sink, database, observe } = this.#parts
    const tell = (outage: Outage | undefined) => this.#tell(outage && databaseAway(outage))
    for (;;) {
      try {
        const { words, isShort } = await confirm(this.#signal)
        this.#isShort = isShort
        if (words.length > 0) observe({ gateway: this.#job.source.name, kind: 'database-doubted', words })
        return
      } catch (error) {
        const isWaiting = error instanceof Failure && error.reach === 'sink' && error.retry !== 'never'
        if (!isWaiting) throw error
        database.doubt()
        if (this.#deadline !== undefined) return
        if (error.retry !== 'soon') throw error
        await sink.ready?.(this.#signal, { tell })
      }
    }
  }

  /** A gateway that starts without a battery: nothing is asked for by its clock, and no proof is taken back by it. */
  #lostClock(): Failure | undefined {
    const { reading } = this.#job.clockWatch.look()
    if (!isImpossibleClock(reading)) return undefined
    return gatewayFailure('gateway-clock-lost', `the clock of the gateway shows ${isoText(reading.gateway)}`)
  }

  #heedClock(): ClockLook {
    const { source, clockWatch } = this.#job
    const look = clockWatch.look()
    const after = heedClock(this.#job, look, this.#parts.ledger)
    if (after !== undefined) this.#parts.observe({ gateway: source.name, kind: 'clock-set-back', after })
    return look
  }

  /** Every pass makes one request at least, however long the login takes (law 16). */
  #beginRequests(): void {
    if (this.#deadline === undefined) return
    this.#firstDeadline = this.#parts.clock.now() + this.#deadline - this.#started
  }

  async #carryOut(barred: ReturnType<typeof barredBy>): Promise<Work> {
    for (;;) {
      const { generation } = this.#parts.database
      this.#planned = generation
      const work = planWork(this.#job, this.#parts, barred)
      await this.#workThrough(work)
      work.carryOver()
      if (
        generation === this.#parts.database.generation ||
        this.#failure !== undefined ||
        this.#refusedFor !== undefined
      )
        return work
    }
  }

  async #workThrough(work: Work): Promise<void> {
    const loops = Array.from({ length: this.#job.sockets }, () => this.#requestAfterRequest(work))
    for (const loop of loops) loop.catch(error => this.#stop.abort(error))
    // sink and ledger must not be closed while a socket still works
    await Promise.allSettled(loops)
    await Promise.all(loops)
  }

  async #requestAfterRequest(work: Work): Promise<void> {
    const { throttle } = this.#job
    const { database } = this.#parts
    while (this.#failure === undefined && !work.isDone) {
      const { isAdmitted, reason } = await throttle.admit(
        this.#signal,
        this.#firstDeadline ?? this.#deadline,
        this.#tell,
      )
      if (!isAdmitted) {
        this.#refused(reason)
        return
      }
      const { requestFailures } = throttle.circuit.state
      const fromOtherEnd = requestFailures > 0 && requestFailures % (failuresAtOneEnd + 1) === failuresAtOneEnd
      this.#firstDeadline = undefined
      const lost = this.#lostClock()
      if (lost === undefined) work.followClock(this.#job.source.clock.now())
      else this.#failure ??= lost
      await this.#confirmDatabase(database.confirmIfDue)
      const isStale = database.generation !== this.#planned
      // while this socket waited another one may have met what ends the pass, or taken the last piece
      const piece = this.#failure === undefined && !isStale ? work.next({ fromOtherEnd }) : undefined
      if (piece === undefined) {
        throttle.ended('unused')
        return
      }
      try {
        await this.#transfer(piece, work)
        throttle.ended('ok')
      } catch (error) {
        if (isAbort(error, this.#signal)) {
          throttle.ended('stopped')
          throw error
        }
        const failure = toFailure(error)
        this.#afterFailure(failure, piece, work, throttle.ended(failure))
      }
    }
  }

  /** What is left is for the next run. */
  #refused(reason: WaitReason | undefined): void {
    this.#refusedFor = reason
    if (reason?.kind === 'circuit-open') this.#failure ??= reason.failure
  }

  readonly #tell = (reason: WaitReason | undefined) => {
    if (reason?.kind === 'database') this.#parts.database.doubt()
    this.#parts.observe({ gateway: this.#job.source.name, kind: 'waiting', reason })
  }

  async #transfer(piece: Piece, work: Work): Promise<void> {
    const { source, mapping, requests, rules, clockWatch, keptMs } = this.#job
    const { sink, ledger, database, deadLetters, clock, observe } = this.#parts
    const { selectors, range, group } = piece
    const request = { gateway: source.name, selectors, range }
    const start = this.#heedClock()
    const { generation } = database
    const judge = (proof: TransferProof) => {
      const lost = this.#lostClock()
      if (lost !== undefined) throw lost
      // a part of it may have been written to what is no longer there
      if (generation !== database.generation) throw transferFailure('database-changed', `${sink.label} has lost points`)
      if (piece.provisional || !doubtsAnswer(piece, proof, this.#job, ledger, sink.id)) return piece.provisional
      this.#hasDoubts = true
      return true
    }
    const rulesOf = (selector: Selector) => rulesFor(selector, rules)
    const record = (proof: TransferProof, provisional: boolean) => {
      const { received, tookMs } = proof.receipt
      const window = { group, ms: work.windows.adapt(group, { range, received, tookMs }) }
      const listing = source.listing()
      const isListed = (selector: Selector) => listing?.has(selector) !== false
      const end = clockWatch.look()
      const before = clockWatch.livedUntil(start)
      const during = clockWatch.livedBetween(start, end)
      const premise = { reading: end.reading, before, during, newestEntry: proof.newestEntry }
      const premises = { clock: premise, isListed, rulesFor: rulesOf }
      ledger.complete({ ...proof, ...premises, sink: sink.id, request, provisional, window, keptMs })
      clockWatch.recorded(end)
      this.#remarks.addAll(proof.remarks)
    }
    const waiting = {
      patienceMs: databasePatienceMs,
      tell: (outage: Outage | undefined) => this.#tell(outage && databaseAway(outage)),
    }
    const transferParts = { source, mapping, sink, deadLetters, clock, judge, record, waiting }
    observe({ gateway: source.name, kind: 'requested', piece })
    const receipt = await transfer(request, { ...transferParts, limit: entryLimit(piece, requests) }, this.#signal)
    this.#requests++
    addReceipt(this.#receipt, receipt)
    work.completed(piece, receipt)
    observe({ gateway: source.name, kind: 'done', piece, receipt, lengthLeft: work.leftMs })
  }

  /** Throws what ends the whole run. */
  #afterFailure(failure: Failure, piece: Piece, work: Work, waitMs: number): void {
    const { source, throttle } = this.#job
    const tried = { tries: piece.tries + 1, canBeHalved: work.canBeHalved(piece) }
    const decision = decide(failure, tried, throttle.circuit.state)
    if (decision.ends === 'run') throw failure
    work.failed(piece, decision.piece, failure)
    if (decision.ends === 'gateway') {
      if (!work.parkTheRest(failure, this.#requests > 0)) this.#failure ??= failure
      return
    }
    // the database's outage is reported as a wait, and a range that was too long is no failure
    if (failure.reach === 'sink' || decision.piece === 'shorten') return
    this.#parts.observe({ gateway: source.name, kind: 'failed', failure, waitMs })
  }
}
