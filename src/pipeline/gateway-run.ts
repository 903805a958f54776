import { type Failure, isAbort, toFailure } from '../domain/failure.ts'
import { addReceipt, emptyReceipt } from '../domain/receipt.ts'
import { Remarks } from '../domain/remark.ts'
import type { Piece } from '../planning/backlog.ts'
import { deadlineOf } from '../planning/demand.ts'
import { stateOf } from '../planning/plan.ts'
import { barredBy, type RuleChange } from '../planning/rule-changes.ts'
import { entryLimit } from '../planning/window.ts'
import type { Outage } from '../sinks/sink.ts'
import { gatewayFailure } from '../smartserver/failures.ts'
import { doubtedNames, settleNames } from './answer-premise.ts'
import { confirmWhenBack, type DatabaseWatch } from './database-watch.ts'
import { decide } from './decide.ts'
import { transferFailure } from './failures.ts'
import type { WaitReason } from './gate.ts'
import type { GatewayJob, GatewayOutcome, RunParts } from './job.ts'
import { createProofRecord, lostClock } from './proof-record.ts'
import { heedClock, rememberRetention, rememberWanted } from './remember.ts'
import { settleRules } from './rule-premise.ts'
import { databaseAway } from './throttle.ts'
import { transfer } from './transfer.ts'
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
      const look = heedClock(this.#job, this.#parts)
      clockDifferenceMs = look.reading.gateway - look.reading.host
      rememberRetention(this.#job, ledger)
      settleNames(this.#job, ledger, observe)
      rememberWanted(this.#job, ledger)
      changes = settleRules(this.#job, { ledger, sink: sink.id, observe })
      const barred = barredBy(changes)
      // every pass makes one request at least, however long the login takes (law 16)
      if (this.#deadline !== undefined) this.#firstDeadline = this.#parts.clock.now() + this.#deadline - this.#started
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
        const lost = lostClock(this.#job)
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

  async #confirmDatabase(confirm: DatabaseWatch['confirm']): Promise<void> {
    const options = { deadline: this.#deadline, tell: this.#tellOutage }
    const found = await confirmWhenBack(confirm, this.#parts, options, this.#signal)
    if (found === undefined) return
    this.#isShort = found.isShort
    const { words } = found
    if (words.length > 0) this.#parts.observe({ gateway: this.#job.source.name, kind: 'database-doubted', words })
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
      const lost = lostClock(this.#job)
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
        if (gatewayFailure.is(failure, 'device-name-differs')) await this.#readNames(piece, work)
      }
    }
  }

  /** The answer was given up in the midst: which device the id means now is in the gateway's list. */
  async #readNames({ selectors }: Piece, work: Work): Promise<void> {
    const { source } = this.#job
    const { ledger, observe } = this.#parts
    await source.readListAgain(selectors, this.#signal)
    settleNames(this.#job, ledger, observe)
    work.namesRead()
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

  readonly #tellOutage = (outage: Outage | undefined) => this.#tell(outage && databaseAway(outage))

  async #transfer(piece: Piece, work: Work): Promise<void> {
    const { source, mapping, requests } = this.#job
    const { sink, deadLetters, clock, observe } = this.#parts
    const start = heedClock(this.#job, this.#parts)
    const onDoubt = () => {
      this.#hasDoubts = true
    }
    const noted = { onDoubt, remarks: this.#remarks }
    const proof = createProofRecord({ piece, work, start }, this.#job, this.#parts, noted)
    const waiting = { patienceMs: databasePatienceMs, tell: this.#tellOutage }
    observe({ gateway: source.name, kind: 'requested', piece })
    const request = { gateway: source.name, selectors: piece.selectors, range: piece.range }
    const transferParts = { source, mapping, sink, deadLetters, clock, waiting, ...proof }
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
