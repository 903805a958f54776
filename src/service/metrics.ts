import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { Failure } from '../domain/failure.ts'
import type { Receipt } from '../domain/receipt.ts'
import { isUnknown } from '../inventory/datapoint-problems.ts'
import type { RangeCheck } from '../ledger/memory.ts'
import type { GatewayOutcome, RunEvent } from '../pipeline/job.ts'

const fates = ['outside', 'duplicate', 'empty', 'written', 'rejected'] as const satisfies (keyof Receipt)[]

const remarks = ['rounded', 'unmapped', 'unheld'] as const satisfies (keyof Receipt)[]

/** What the daemon counts and measures, gateway by gateway, in the text format of Prometheus. */
export class Metrics {
  readonly #registry = new Registry()
  readonly #entries = this.#counter('entries_total', 'Log entries by what became of them', ['gateway', 'fate'])
  readonly #remarks = this.#counter(
    'remarks_total',
    'Points whose number no float holds (rounded), whose text no enumeration maps (unmapped), or whose text the database cannot hold (unheld)',
    ['gateway', 'remark'],
  )
  readonly #requests = this.#counter('requests_total', 'Data-log requests received to their "end"', ['gateway'])
  readonly #failures = this.#counter('failures_total', 'Failed requests and logins, by code', ['gateway', 'code'])
  readonly #passes = this.#counter('passes_total', 'Passes of the sync, by how they ended', ['gateway', 'ended'])
  readonly #clockDifference = this.#gauge('clock_difference_seconds', "The gateway's clock less the host's")
  readonly #completeUntil = this.#gauge('complete_until_timestamp_seconds', 'Up to here nothing is missing, Unix time')
  readonly #parked = this.#gauge('parked_ranges', 'Ranges that could not be fetched')
  readonly #deadLetters = this.#gauge('dead_letters', 'Wanted entries that could not be written and were not discarded')
  readonly #verified = this.#gauge(
    'verified_timestamp_seconds',
    'When sync last found a range whole in the database, Unix time',
  )
  readonly #missingPoints = this.#gauge(
    'verified_missing_points',
    'Points of the range verified last that the database did not count',
  )
  readonly #backlog = this.#gauge('backlog_seconds', 'Time that the last pass left, summed over datapoints')

  /** A failure that goes on holding the gateway ends pass after pass, and happened once. */
  readonly #counted = new WeakSet<Failure>()

  /** `gateways`: all that are reported; what they have not done yet is 0, not absent. */
  constructor(gateways: readonly string[]) {
    collectDefaultMetrics({ register: this.#registry })
    for (const gateway of gateways) {
      this.#requests.inc({ gateway }, 0)
      for (const fate of fates) this.#entries.inc({ gateway, fate }, 0)
      for (const remark of remarks) this.#remarks.inc({ gateway, remark }, 0)
      for (const ended of ['complete', 'incomplete', 'failed']) this.#passes.inc({ gateway, ended }, 0)
    }
  }

  readonly observe = (event: RunEvent): void => {
    const { gateway } = event
    if (event.kind === 'failed') this.#count(gateway, event.failure)
    if (event.kind !== 'done') return
    this.#requests.inc({ gateway })
    for (const fate of fates) this.#entries.inc({ gateway, fate }, event.receipt[fate])
    for (const remark of remarks) this.#remarks.inc({ gateway, remark }, event.receipt[remark])
  }

  passed(outcome: GatewayOutcome, deadLetters: number): void {
    const { gateway, clockDifferenceMs, settled, parked, leftMs, problems, ruleChanges, failure } = outcome
    if (clockDifferenceMs !== undefined) this.#clockDifference.set({ gateway }, clockDifferenceMs / 1000)
    this.#deadLetters.set({ gateway }, deadLetters)
    if (failure !== undefined) {
      this.failed(gateway, failure)
      return
    }
    this.#parked.set({ gateway }, parked)
    this.#backlog.set({ gateway }, leftMs / 1000)
    const isComplete =
      parked === 0 && leftMs === 0 && deadLetters === 0 && !problems.some(isUnknown) && ruleChanges.length === 0
    this.#passes.inc({ gateway, ended: isComplete ? 'complete' : 'incomplete' })
    if (isComplete && settled !== undefined) this.#completeUntil.set({ gateway }, settled.until / 1000)
  }

  /** What the daily verification found last; undefined: nothing yet. */
  verified(gateway: string, check: RangeCheck | undefined): void {
    if (check === undefined) return
    const { at, proof, found, verdict } = check
    if (verdict === 'held') this.#verified.set({ gateway }, at / 1000)
    this.#missingPoints.set({ gateway }, Math.max(0, proof - found))
  }

  /** A pass that came to nothing. */
  failed(gateway: string, failure: Failure): void {
    this.#passes.inc({ gateway, ended: 'failed' })
    this.#count(gateway, failure)
  }

  #count(gateway: string, failure: Failure): void {
    if (this.#counted.has(failure)) return
    this.#counted.add(failure)
    this.#failures.inc({ gateway, code: failure.code })
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  text(): Promise<string> {
    return this.#registry.metrics()
  }

  #counter<Label extends string>(name: string, help: string, labelNames: Label[]): Counter<Label> {
    return new Counter({ name: `smartserver_etl_${name}`, help, labelNames, registers: [this.#registry] })
  }

  #gauge(name: string, help: string): Gauge<'gateway'> {
    const labelNames = ['gateway'] as const
    return new Gauge({ name: `smartserver_etl_${name}`, help, labelNames, registers: [this.#registry] })
  }
}
