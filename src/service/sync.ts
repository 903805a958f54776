import type { Logger } from 'pino'
import { joinLetterCounts, type LetterCount } from '../dead-letters/letter-index.ts'
import type { Clock } from '../domain/clock.ts'
import { selectorKey, selectorLabel } from '../domain/datapoint.ts'
import { type Failure, isAbort, toFailure } from '../domain/failure.ts'
import { isoText } from '../domain/instant.ts'
import { rangeJson } from '../domain/range.ts'
import type { Remarked } from '../domain/remark.ts'
import { type DatapointProblem, isUnknown } from '../inventory/datapoint-problems.ts'
import type { RunEvent } from '../pipeline/job.ts'
import { ruleChanged } from '../pipeline/rule-premise.ts'
import type { RunOutcome } from '../pipeline/run.ts'
import type { Demand } from '../planning/demand.ts'
import type { RuleChange } from '../planning/rule-changes.ts'
import type { DailyVerification } from './daily-verification.ts'
import type { Metrics } from './metrics.ts'
import { repeat } from './schedule.ts'

interface SyncOptions {
  readonly every: number
  readonly since: number
}

/** One pass over what is missing. */
export type SyncRun = (
  demand: Demand,
  only: string | undefined,
  observe: (event: RunEvent) => void,
  signal: AbortSignal,
) => Promise<RunOutcome>

/** A pass, and what is missing in the database although it was received. */
interface SyncOutcome extends RunOutcome {
  readonly deadLetters: LetterCount
}

/** Windows aim at requests of 10 s; this leaves room for slower ones. */
const lastRequestMs = 30_000

/** How often it is looked whether a verification is due. */
const verificationMs = 600_000

interface SyncParts {
  readonly run: SyncRun
  /** Dead letters of the time that the schedule wants of a gateway. */
  readonly lettersOf: (gateway: string) => LetterCount
  readonly clock: Clock
  readonly log: Logger
  /** Problems of datapoints that were logged already. */
  readonly logged: Set<string>
  readonly metrics?: Metrics | undefined
  /** Undefined: sync.verify is off, or nothing can be read back from the sink. */
  readonly verification?: DailyVerification | undefined
}

/**
 * One pass: everything from `since` on, the newest first; re-reads are gathered (see `missingRanges`). A pass ends at
 * `deadline` and leaves its backlog to the next one, so that what is new never waits for what is old.
 */
export async function syncOnce(
  options: SyncOptions,
  parts: SyncParts,
  { only, deadline }: { readonly only?: string; readonly deadline?: number },
  signal: AbortSignal,
): Promise<SyncOutcome> {
  const observe = (event: RunEvent) => {
    logEvent(event, parts.log)
    parts.metrics?.observe(event)
  }
  const outcome = await parts.run({ kind: 'sync', sinceMs: options.since, deadline }, only, observe, signal)
  const letters = outcome.gateways.map(({ gateway }) => parts.lettersOf(gateway))
  for (const [i, gateway] of outcome.gateways.entries()) parts.metrics?.passed(gateway, letters[i]!.open)
  const deadLetters = joinLetterCounts(letters)
  const { received, written, rejected } = outcome.receipt
  const failed = outcome.gateways.filter(gateway => gateway.failure !== undefined).map(gateway => gateway.gateway)
  for (const { gateway, failure } of outcome.gateways)
    if (failure !== undefined) parts.log.error({ ...failureFields(failure), gateway }, 'gateway given up for this pass')
  for (const { gateway, receipt } of outcome.gateways) logFuture(gateway, receipt.future, parts)
  for (const { gateway, problems } of outcome.gateways)
    for (const problem of problems) logProblem(gateway, problem, parts)
  for (const { gateway, ruleChanges } of outcome.gateways)
    for (const change of ruleChanges) logRuleChange(gateway, change, parts)
  for (const { gateway, remarks } of outcome.gateways) for (const it of remarks) logRemark(gateway, it, parts)
  const parked = outcome.gateways.reduce((sum, gateway) => sum + gateway.parked, 0)
  const leftMs = outcome.gateways.reduce((sum, gateway) => sum + gateway.leftMs, 0)
  parts.log[failed.length > 0 ? 'warn' : 'info'](
    {
      ...(only === undefined ? {} : { gateway: only }),
      requests: outcome.requests,
      received,
      written,
      rejected,
      deadLetters: deadLetters.open,
      parked,
      failed,
      leftMs,
      tookMs: outcome.tookMs,
    },
    failed.length > 0 ? 'pass failed' : 'pass ended',
  )
  return { ...outcome, deadLetters }
}

/** Once for as long as it lasts: from a gateway that ignores filters they come with every pass. */
function logFuture(gateway: string, future: number, { log, logged }: SyncParts): void {
  const key = JSON.stringify([gateway, 'future'])
  if (future === 0) logged.delete(key)
  else if (!logged.has(key)) {
    logged.add(key)
    log.warn(
      { gateway, future },
      "entries later than the gateway's own clock are fetched when their time has come: was the clock set?",
    )
  }
}

/** Once for each datapoint. */
function logRemark(gateway: string, { kind, datapoint, entries, texts }: Remarked, { log, logged }: SyncParts): void {
  const key = JSON.stringify([gateway, kind, datapoint])
  if (logged.has(key)) return
  logged.add(key)
  log.warn({ gateway, datapoint, entries, texts }, remarkWords[kind])
}

const remarkWords = {
  rounded: 'the database rounds numbers of this datapoint: "type: text" keeps all digits',
  unheld:
    'the database keeps numbers alone: texts of this datapoint are not written. Give it an enumeration, or "text: off"',
  unmapped: 'the enumeration of this datapoint does not map texts of it: they are written without a number',
} as const

/** Once: the configuration of a process does not change. */
function logRuleChange(gateway: string, change: RuleChange, { log, logged }: SyncParts): void {
  const key = JSON.stringify([gateway, 'rule', selectorKey(change.recorded), change.differences])
  if (logged.has(key)) return
  logged.add(key)
  log.error({ ...failureFields(ruleChanged(gateway, change)), gateway }, 'datapoint not asked for')
}

/** Once for as long as it lasts, not once a pass. */
function logProblem(gateway: string, problem: DatapointProblem, { log, logged }: SyncParts): void {
  const key = JSON.stringify([gateway, problem.datapoint, problem.code])
  if (logged.has(key)) return
  logged.add(key)
  const { datapoint, code, message, suggestion } = problem
  log[isUnknown(problem) ? 'error' : 'warn'](
    { gateway, datapoint, code, error: message, suggestion },
    isUnknown(problem) ? 'datapoint not asked for' : 'datapoint with a problem',
  )
}

/**
 * Syncs each gateway on its own schedule until the signal aborts, so that one's trouble never delays another's.
 * Trouble of one pass is logged; the next one tries again.
 */
export async function syncForever(
  gateways: readonly string[],
  options: SyncOptions,
  parts: SyncParts,
  signal: AbortSignal,
): Promise<void> {
  const stop = new AbortController()
  const either = AbortSignal.any([signal, stop.signal])
  const pass = async (only: string) => {
    try {
      await syncOnce(options, parts, { only, deadline: parts.clock.now() + passMs(options.every) }, either)
    } catch (error) {
      if (isAbort(error, either)) throw error
      const failure = toFailure(error)
      // the ledger, or a bug: going on would prove nothing
      if (failure.reach === 'run') throw failure
      parts.metrics?.failed(only, failure)
      parts.log.error({ ...failureFields(failure), gateway: only }, 'sync failed')
    }
  }
  const schedules = gateways.map(only => repeat(options.every, parts.clock, () => pass(only), either))
  const { verification } = parts
  if (verification !== undefined)
    schedules.push(repeat(verificationMs, parts.clock, () => verification.look(either), either))
  for (const schedule of schedules) schedule.catch(error => stop.abort(error))
  await Promise.allSettled(schedules)
  await Promise.all(schedules)
}

/** The last request begins before the deadline and ends after it: without room for it every second beat would be missed. */
function passMs(every: number): number {
  return every - Math.min(every / 4, lastRequestMs)
}

function logEvent(event: RunEvent, log: Logger): void {
  const { gateway } = event
  if (event.kind === 'failed')
    log.warn({ ...failureFields(event.failure), gateway, waitMs: event.waitMs }, 'request failed')
  else if (event.kind === 'clock-set-back')
    log.warn(
      { gateway, after: isoText(event.after) },
      "the gateway's clock was set back: what it logs from there on is fetched again",
    )
  else if (event.kind === 'rules-adopted')
    log.info(
      { gateway, datapoints: event.selectors.map(selectorLabel) },
      'the ledger did not know what the points of these were made by: they are taken for made by the configuration of today',
    )
  else if (event.kind === 'database-doubted')
    for (const warning of event.words) log.error({ gateway, warning }, 'database warning')
  else if (event.kind === 'names-missing')
    log.warn(
      { gateway, datapoints: event.selectors.map(selectorLabel) },
      'the gateway does not list these names any more: empty answers to them are taken back. To go on in the same series, configure the device as { id, as } or the datapoint by its new name',
    )
  else if (event.kind === 'parked') log.error({ ...failureFields(event.failure), gateway }, 'range parked')
}

function failureFields(failure: Failure) {
  const { code, message, retry, work, advice } = failure
  const { range } = work
  const times = range && rangeJson(range)
  return { code, error: message, retry, advice, ...work, range: times }
}
