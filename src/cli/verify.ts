import { randomInt } from 'node:crypto'
import { type Command, InvalidArgumentError } from 'commander'
import { findGateway, openApp, openDeadLetters, openSink, ruledGateways } from '../app.ts'
import type { Config } from '../config/config.ts'
import type { DeadLetterBox } from '../dead-letters/dead-letters.ts'
import type { Failure } from '../domain/failure.ts'
import type { TimeRange } from '../domain/range.ts'
import { type Ledger, openLedgerReadOnly } from '../ledger/ledger.ts'
import { checkSink } from '../pipeline/check-database.ts'
import { knownElsewhere } from '../pipeline/database-mark.ts'
import { requireSameRules } from '../pipeline/rule-premise.ts'
import { type Settling, stillMsOf } from '../sinks/settle.ts'
import type { Sink, SinkReport } from '../sinks/sink.ts'
import { conclusionOf } from '../verification/conclusion.ts'
import { claimsOf, scopeOf } from '../verification/scope.ts'
import { createVerifiedGateways } from '../verification/verified-gateways.ts'
import { type Mode, type Outcome, type VerifyParts, verify as verifyClaims } from '../verification/verify.ts'
import { type Certificate, certificateJson, healingOf } from './certificate.ts'
import { certificateLines } from './certificate-lines.ts'
import type { CommandContext, CommandHost } from './context.ts'
import { commandFailure } from './failures.ts'
import { exitCode } from './outcome.ts'
import { parseTime, usageFailure } from './parse-time.ts'

interface VerifyOptions {
  readonly from?: string
  readonly to?: string
  readonly gateway?: string
  readonly full?: boolean
  readonly sample?: number
  readonly seed?: number
  readonly heal?: boolean
  readonly accept?: boolean
  readonly allowEmpty?: boolean
  readonly json?: boolean
}

export function registerVerify(program: Command, host: CommandHost): void {
  program
    .command('verify')
    .description('compare the database with the ledger; exit code 3 where they differ, or nothing is recorded')
    .option('--from <time>', 'only ranges after this: ISO 8601 or a duration back from now')
    .option('--to <time>', 'only ranges before this, in the same form')
    .option('--gateway <name>', 'only this gateway')
    .option('--allow-empty', 'exit code 0 also where nothing is recorded as complete')
    .option('--full', 'read all of it from the gateway again and compare entry by entry')
    .option('--sample <count>', 'compare so many randomly chosen datapoint-days with the gateway', positive)
    .option('--seed <number>', 'draw the same days again', positive)
    .option('--heal', 'write again what differs and the gateway still has; deletes nothing')
    .option('--accept', 'after healing: take as proven what is there, where neither side has more')
    .option('--json', 'the certificate as one JSON document')
    .action((options: VerifyOptions) =>
      host.runWithConfig((config, context) => verify(config, options, host.version, context)),
    )
}

/** Compares the database with the ledger's proofs, and with `full` or `sample` with the gateway, entry by entry. */
async function verify(
  config: Config,
  options: VerifyOptions,
  program: string,
  context: CommandContext,
): Promise<number> {
  if (options.full === true && options.sample !== undefined)
    throw usageFailure('--full and --sample contradict each other', 'Give one of the two.')
  if (options.accept === true && options.heal !== true)
    throw usageFailure(
      '--accept is a part of --heal',
      'Give both: what is lost is known only after what the gateway still has was written again.',
    )
  if (options.gateway !== undefined) findGateway(config, options.gateway)
  const job = { config, options, program, context, within: withinOf(options, context), mode: modeOf(options) }
  const certificate = asksGateways(job.mode) ? await withGateways(job) : await countsOnly(job)
  if (options.json === true) context.terminal.out(certificateJson(certificate))
  else for (const line of certificateLines(certificate)) context.terminal.out(line)
  const { findings, scope, compare, deadLetters } = certificate
  const conclusion = conclusionOf(findings, scope.claims, compare, deadLetters.open)
  // a nightly verification must notice a ledger that was lost
  const isEmpty = conclusion === 'nothing' && options.allowEmpty === true && deadLetters.open === 0
  const isFine = conclusion === 'equal' || isEmpty
  return isFine ? exitCode.done : exitCode.missing
}

interface Job {
  readonly config: Config
  readonly options: VerifyOptions
  readonly program: string
  readonly context: CommandContext
  readonly within: TimeRange
  readonly mode: Mode
}

function modeOf({ full, sample, seed, heal, accept }: VerifyOptions): Mode {
  const drawn = sample === undefined ? undefined : { days: sample, seed: seed ?? randomInt(2 ** 31) }
  return {
    compare: drawn ?? (full === true ? 'full' : 'counts'),
    repair: accept === true ? 'accept' : heal === true ? 'repair' : 'none',
  }
}

function asksGateways({ compare, repair }: Mode): boolean {
  return compare !== 'counts' || repair !== 'none'
}

/** Asks the gateways for nothing, and disturbs no run that is under way. */
async function countsOnly(job: Job): Promise<Certificate> {
  const { config, context } = job
  const { clock, log, signal } = context
  await using opened = new AsyncDisposableStack()
  const ledger = opened.adopt(openLedgerReadOnly(config.ledger, clock), it => it.close())
  const found = opened.adopt(await openSink(config, { clock, log }), it => it.close())
  const deadLetters = opened.adopt(openDeadLetters(config, clock), it => it.close())
  await deadLetters.learn(signal)
  const report = await found.check(signal, 'read')
  const settling = settlingOf(report, context)
  const knownAs = await knownElsewhere(found, ledger, { clock, settling }, signal)
  const sink = knownAs === undefined ? found : { ...found, id: knownAs }
  if (ledger.coverage.provesOthersOnly(sink.id)) throw othersOnly(sink.label)
  return await certify(job, { ledger, sink, deadLetters, gateways: undefined }, report, {})
}

async function withGateways(job: Job): Promise<Certificate> {
  const { config, options, context } = job
  const { clock, log, signal } = context
  await using opened = new AsyncDisposableStack()
  const app = opened.adopt(await openApp(config, 'verify', { clock, log }), it => it.close())
  // a login that may only read is enough to compare
  const repairs = job.mode.repair !== 'none'
  const report = await checkSink(app, signal, repairs ? 'write' : 'read')
  requireSameRules(ruledGateways(config, options.gateway), app.ledger, app.sink.id)
  const releases: Record<string, string | undefined> = {}
  for (const { source, gateway, throttle } of app.gateways) {
    if (options.gateway !== undefined && options.gateway !== source.name) continue
    await source.hello(signal)
    throttle.circuit.connected()
    releases[source.name] = gateway.release
  }
  const { exact: isExact = true, overwrites = true } = report
  const { requests, deadLetters } = config
  const settling = settlingOf(report, context)
  const parts = { ...app, folder: deadLetters.path, requests, settling, isExact, overwrites, repairs }
  const gateways = createVerifiedGateways(app.gateways, parts, signal)
  const certificate = await certify(job, { ...app, gateways }, report, releases)
  const isAll = options.gateway === undefined && options.from === undefined && options.to === undefined
  // a database that was made anew and filled by this holds all that is proven
  const conclusion = conclusionOf(certificate.findings, certificate.scope.claims, certificate.compare, 0)
  if (repairs && isAll && conclusion === 'equal') await app.database.accept(signal)
  return certificate
}

interface Opened {
  readonly ledger: Ledger
  readonly sink: Sink
  readonly deadLetters: DeadLetterBox
  readonly gateways: VerifyParts['gateways']
}

async function certify(
  { config, options, program, context, within, mode }: Job,
  { ledger, sink, deadLetters, gateways }: Opened,
  report: SinkReport,
  releases: Certificate['releases'],
): Promise<Certificate> {
  const { terminal, clock, signal } = context
  const claims = claimsOf(config, options.gateway, ledger, sink.id)
  const { retentionMs } = report
  const oldest = retentionMs === undefined ? Number.NEGATIVE_INFINITY : clock.now() - retentionMs
  const observe = (done: number, total: number) => terminal.live(`comparing ${done + 1} of ${total} …`)
  const settling = settlingOf(report, context)
  const parts = { ledger, sink, gateways, settling, entries: config.requests.entries, observe }
  const outcomes: Outcome[] = []
  for await (const outcome of verifyClaims({ gateways: claims, within, oldest }, mode, parts, signal))
    outcomes.push(outcome)
  terminal.live('')
  const findings = outcomes.map(({ after }) => after)
  return {
    at: clock.now(),
    program,
    sink: sink.label,
    report,
    compare: mode.compare,
    scope: scopeOf(config, claims, { ledger, sink: sink.id, within }, findings),
    releases,
    deadLetters: deadLetters.count(
      claims.map(({ name }) => name),
      within,
    ),
    findings,
    healing: mode.repair === 'none' ? undefined : healingOf(outcomes),
  }
}

function settlingOf(report: SinkReport, { clock, terminal }: CommandContext): Settling {
  const observe = () => terminal.live('the database holds too few points: asking it again before that is believed …')
  return { clock, stillMs: stillMsOf(report), observe }
}

function withinOf({ from, to }: VerifyOptions, { clock }: CommandContext): TimeRange {
  const now = clock.now()
  return {
    after: from === undefined ? Number.NEGATIVE_INFINITY : parseTime(from, '--from', now),
    until: to === undefined ? Number.POSITIVE_INFINITY : parseTime(to, '--to', now),
  }
}

function othersOnly(label: string): Failure {
  return commandFailure('other-database', `all proof in the ledger is of another database than ${label}`)
}

function positive(text: string): number {
  const value = Number(text)
  if (!/^\d{1,10}$/.test(text) || value === 0) throw new InvalidArgumentError('a whole number from 1 on is needed')
  return value
}
