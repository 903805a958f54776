import { configFailure } from '../config/failures.ts'
import { ConfigError } from '../config/problem.ts'
import type { LetterCount } from '../dead-letters/letter-index.ts'
import type { Failure } from '../domain/failure.ts'
import { isoText } from '../domain/instant.ts'
import { rangeJson, type TimeRange } from '../domain/range.ts'
import { isUnknown, problemJson, problemText } from '../inventory/datapoint-problems.ts'
import { transferFailure } from '../pipeline/failures.ts'
import type { GatewayOutcome } from '../pipeline/job.ts'
import { ruleChanged } from '../pipeline/rule-premise.ts'
import type { RunOutcome } from '../pipeline/run.ts'
import { lettersJson, notWritten, tellDiscarded } from './dead-letter-text.ts'
import { commandFailure } from './failures.ts'
import { countOf, countRows, countText, minuteText, tookText } from './format.ts'
import type { Preflight } from './preflight.ts'
import { remarkLines } from './remark-text.ts'
import { ruleChangeJson } from './rule-change-text.ts'
import type { Terminal } from './terminal.ts'

/** What a process ends with. */
export const exitCode = { done: 0, failed: 1, usage: 2, missing: 3, interrupted: 130 } as const

/** A run, and what is missing in the database although it was received. */
export interface Ending extends RunOutcome {
  /** Of the gateways and the range that were asked for, those of earlier runs too. */
  readonly deadLetters: LetterCount
}

export function exitCodeOf(ending: Ending): number {
  if (ending.gateways.some(gateway => gateway.failure !== undefined)) return exitCode.failed
  return isComplete(ending) ? exitCode.done : exitCode.missing
}

export function exitCodeOfFailure(failure: Failure): number {
  const isUsage = commandFailure.is(failure, 'usage') || configFailure.is(failure, 'config', 'unknown-gateway')
  if (transferFailure.is(failure, 'rule-changed')) return exitCode.missing
  return isUsage ? exitCode.usage : exitCode.failed
}

/** Every range that was wanted is covered, and all of it could be written. */
function isComplete(ending: Ending): boolean {
  return isReceived(ending) && ending.deadLetters.open === 0
}

/** Every range that was wanted is covered: what could not be written is a dead letter. */
function isReceived({ gateways }: RunOutcome): boolean {
  return gateways.every(isGatewayReceived)
}

function isGatewayReceived({
  failure,
  parked,
  leftMs,
  settled,
  isShort,
  problems,
  ruleChanges,
}: GatewayOutcome): boolean {
  return (
    failure === undefined &&
    !isShort &&
    parked === 0 &&
    leftMs === 0 &&
    !isNothing(settled) &&
    !problems.some(isUnknown) &&
    ruleChanges.length === 0
  )
}

/** Nothing of what was wanted has settled yet. */
function isNothing(settled: TimeRange | undefined): boolean {
  return settled !== undefined && settled.after === settled.until
}

/** `known`: what was known before the first request, where there is something to say. */
export function outcomeJson(outcome: Ending, known: Partial<Preflight> = {}): string {
  const { received, outside, future, duplicate, empty, written, rejected, tooOld, rounded, unmapped, unheld } =
    outcome.receipt
  const { requests, tookMs, deadLetters } = outcome
  const complete = isComplete(outcome)
  const { notKept, words = [] } = known
  const counts = {
    requests,
    received,
    outside,
    future,
    duplicate,
    empty,
    written,
    rejected,
    tooOld,
    rounded,
    unmapped,
    unheld,
  }
  return JSON.stringify({
    complete,
    ...counts,
    ...lettersJson(deadLetters),
    tookMs,
    ...bordersJson(outcome),
    ...problemsJson(outcome),
    ...changesJson(outcome),
    ...remarksJson(outcome),
    ...(notKept && { notKept: rangeJson(notKept) }),
    ...(words.length > 0 && { warnings: words }),
  })
}

/** The closing receipt in words; `overwrites`: the database can replace a value. */
export function tellOutcome(outcome: Ending, sinkLabel: string, terminal: Terminal, overwrites = true): void {
  const { receipt, requests, tookMs, deadLetters } = outcome
  for (const gateway of outcome.gateways) {
    tellProblems(gateway, terminal)
    tellRuleChanges(gateway, terminal)
  }
  for (const { gateway, settled } of outcome.gateways)
    if (settled !== undefined && isNothing(settled))
      terminal.out(
        `${gateway}: nothing after ${minuteText(settled.after)} UTC has settled yet (sync.settle): nothing was asked for.`,
      )
  if (requests === 0 && isReceived(outcome)) {
    terminal.out(
      isComplete(outcome)
        ? `Nothing to transfer: all of it is in ${sinkLabel} already, complete to the last range.`
        : `Nothing to transfer: every range was received already, but ${notWritten(deadLetters.open, 'this range')}`,
    )
    tellBorders(outcome, terminal)
    tellDiscarded(deadLetters, terminal)
    return
  }
  const rate = countText(receipt.received / Math.max(0.001, tookMs / 1000))
  terminal.out(
    `${countOf(receipt.received, 'entry', 'entries')} received in ${countOf(requests, 'request')}, ${tookText(tookMs)}${receipt.received > 0 ? ` (${rate}/s):` : '.'}`,
  )
  const rows: [number, string][] = [
    [receipt.written, `written to ${sinkLabel}, every batch acknowledged`],
    [receipt.outside, 'outside: not asked for'],
    [
      receipt.duplicate,
      receipt.collapsed > 0
        ? `duplicate, ${countText(receipt.collapsed)} of them with another value: ${overwrites ? 'the larger one is kept' : 'the database may keep both, and show one of them'}`
        : 'duplicate: the same datapoint and time twice',
    ],
    [receipt.empty, 'empty: no value'],
    [
      receipt.rejected - receipt.tooOld,
      'rejected: kept as dead letters ("smartserver-etl dead-letters" shows the reasons)',
    ],
    [receipt.tooOld, 'rejected: older than the database keeps; kept as dead letters'],
  ]
  for (const line of countRows(rows)) terminal.out(line)
  for (const { gateway, receipt, remarks, parked, failure } of outcome.gateways) {
    for (const words of remarkLines(remarks)) terminal.say(`${gateway}: ${words}`)
    if (receipt.future > 0) terminal.say(`${gateway}: ${futureText(receipt.future)}`)
    if (parked > 0)
      terminal.out(
        `${gateway}: ${countOf(parked, 'range')} could not be fetched and ${parked === 1 ? 'is' : 'are'} parked; "retry" tries again at once.`,
      )
    if (failure !== undefined) tellFailure(failure, terminal, `${gateway}: `)
  }
  if (isComplete(outcome)) terminal.out('Complete: every range was received to its "end" and acknowledged.')
  else if (isReceived(outcome)) terminal.out(`Received completely, but ${notWritten(deadLetters.open, 'this range')}`)
  else if (requests === 0) terminal.out('Nothing was fetched.')
  else terminal.out('Not complete. What was recorded is kept; the same command continues from there.')
  tellBorders(outcome, terminal)
  tellDiscarded(deadLetters, terminal)
}

/** The clock was set, or is wrong: these entries are fetched later, but an operator should know. */
function futureText(count: number): string {
  return `${countOf(count, 'entry', 'entries')} that ${count === 1 ? 'was' : 'were'} not asked for ${count === 1 ? 'is' : 'are'} later than the gateway's own clock. Such entries are fetched when their time has come. Was the clock set?`
}

/** How far "complete" goes: gateways that stop at the same minute share a line. */
function tellBorders({ gateways }: RunOutcome, terminal: Terminal): void {
  const lines = new Map<string, string[]>()
  for (const outcome of gateways) {
    const { gateway, settled, provisionalAfter } = outcome
    if (settled === undefined || isNothing(settled)) continue
    const again =
      provisionalAfter === undefined
        ? ''
        : ` Entries after ${minuteText(provisionalAfter)} will be read again, in case some come late.`
    const words = `${isGatewayReceived(outcome) ? 'Complete' : 'Asked for'} up to ${minuteText(settled.until)} UTC.${again}`
    lines.set(words, [...(lines.get(words) ?? []), gateway])
  }
  for (const [words, names] of lines) terminal.out(lines.size === 1 ? words : `${names.join(', ')}: ${words}`)
}

const mostProblemsShown = 10

/** Before all figures: what they leave out. */
function tellProblems({ gateway, problems }: GatewayOutcome, terminal: Terminal): void {
  for (const problem of problems.slice(0, mostProblemsShown)) {
    terminal.say(
      `${gateway}: ${isUnknown(problem) ? 'not asked for ' : ''}${problem.datapoint}: ${problemText(problem)}`,
    )
  }
  const more = problems.length - mostProblemsShown
  if (more > 0) terminal.say(`${gateway}: and ${countText(more)} more: see "check"`)
}

/** Each change, and once what to do. */
function tellRuleChanges({ gateway, ruleChanges }: GatewayOutcome, terminal: Terminal): void {
  for (const [i, change] of ruleChanges.entries()) {
    const { message, advice } = ruleChanged(gateway, change)
    const isLast = i === ruleChanges.length - 1
    tellFailure({ message: `${message}: not asked for`, advice: isLast ? advice : undefined }, terminal)
  }
}

function remarksJson({ gateways }: RunOutcome) {
  const remarks = gateways.flatMap(({ gateway, remarks }) => remarks.map(it => ({ gateway, ...it })))
  return remarks.length > 0 && { remarks }
}

function changesJson({ gateways }: RunOutcome) {
  const ruleChanges = gateways.flatMap(({ gateway, ruleChanges }) =>
    ruleChanges.map(it => ({ gateway, ...ruleChangeJson(it) })),
  )
  return ruleChanges.length > 0 && { ruleChanges }
}

/** Of several gateways the earliest: up to there all of them are complete. */
function bordersJson({ gateways }: RunOutcome) {
  const ends = gateways.flatMap(({ settled }) => (settled === undefined ? [] : [settled.until]))
  const again = gateways.flatMap(({ provisionalAfter }) => provisionalAfter ?? [])
  return {
    ...(ends.length > 0 && { upTo: isoText(Math.min(...ends)) }),
    ...(again.length > 0 && { provisionalAfter: isoText(Math.min(...again)) }),
  }
}

function problemsJson({ gateways }: RunOutcome) {
  const problems = gateways.flatMap(({ gateway, problems }) => problems.map(it => ({ gateway, ...problemJson(it) })))
  return problems.length > 0 && { problems }
}

/** One failure for a person: what, and what to do. No stack. */
export function tellFailure(
  failure: { message: string; advice: string | undefined },
  terminal: Terminal,
  prefix = '',
): void {
  if (failure instanceof ConfigError) terminal.say(...failure.lines())
  else terminal.say(`${prefix}${failure.message}`)
  if (failure.advice !== undefined) terminal.say(`  ${failure.advice}`)
}

const goesOn = 'What was recorded is kept; the same command continues from there.'

/** What a stopped command leaves behind; those that leave nothing are not listed. */
const remarks: Readonly<Record<string, string>> = {
  demo: goesOn,
  backfill: goesOn,
  sync: goesOn,
  retry: goesOn,
  load: goesOn,
  'verify --heal': 'What was written again is kept; the same command continues from there.',
  capture: 'What was received so far is in the recording; a new recording needs a new file.',
  'dead-letters replay': 'Letters that were not tried yet are kept; the same command tries them again.',
}

/** The last line after Ctrl-C. `command`: as it is written on the command line, `verify --heal`. */
export function stopMessage(command: string): string {
  const remark = remarks[command]
  return remark === undefined ? 'Stopped.' : `Stopped. ${remark}`
}
