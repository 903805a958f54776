import { randomInt } from 'node:crypto'
import { type App, findGateway, openApp, openSink } from '../app.ts'
import type { Config } from '../config/schema.ts'
import { Failure } from '../domain/failure.ts'
import { rangeLength, type TimeRange } from '../domain/range.ts'
import { Ledger } from '../ledger/ledger.ts'
import type { Sink, SinkReport } from '../sinks/sink.ts'
import { suspectPieces } from '../verification/bisect-missing.ts'
import { type Examination, type Examined, examine } from '../verification/check-range.ts'
import { type CountedRow, countClaims } from '../verification/counts.ts'
import { type Finding, findingOfCount, findingUnasked, sampleRows } from '../verification/finding.ts'
import { type Certificate, conclusionOf, type Healing } from './certificate.ts'
import { certificateJson } from './certificate-json.ts'
import { certificateLines } from './certificate-lines.ts'
import { randomOf } from './chance.ts'
import type { CommandContext } from './context.ts'
import { exitCode } from './outcome.ts'
import { parseTime, usageFailure } from './parse-time.ts'
import { configOf, gatewaysOf, scopeOf, selectorsOf } from './scope.ts'

export interface VerifyOptions {
  readonly from?: string
  readonly to?: string
  readonly gateway?: string
  readonly full?: boolean
  readonly sample?: number
  readonly seed?: number
  readonly heal?: boolean
  readonly accept?: boolean
  readonly json?: boolean
}

const sampleWindowMs = 86_400_000

/** Holds the ledger against the database, and with `full` or `sample` both against the gateway. */
export async function verify(
  config: Config,
  options: VerifyOptions,
  program: string,
  context: CommandContext,
): Promise<number> {
  if (options.full === true && options.sample !== undefined)
    throw usageFailure('--full and --sample contradict each other', 'Give one of the two.')
  if (options.accept === true && options.heal !== true)
    throw usageFailure('--accept is a part of --heal', 'Only after a heal it is known what nobody can bring back.')
  if (options.gateway !== undefined) findGateway(config, options.gateway)
  const asksGateway = options.full === true || options.sample !== undefined || options.heal === true
  const job = { config, options, program, context, within: withinOf(options, context) }
  const certificate = asksGateway ? await withGateways(job) : await countsOnly(job)
  if (options.json === true) context.terminal.out(certificateJson(certificate))
  else for (const line of certificateLines(certificate)) context.terminal.out(line)
  return ['equal', 'nothing'].includes(conclusionOf(certificate)) ? exitCode.done : exitCode.missing
}

interface Job {
  readonly config: Config
  readonly options: VerifyOptions
  readonly program: string
  readonly context: CommandContext
  readonly within: TimeRange
}

function othersOnly(label: string): Failure {
  return new Failure(`all proof in the ledger is of another database than ${label}`, {
    code: 'other-database',
    retry: 'never',
    reach: 'run',
    advice: 'Was a file deleted, or is a disk not mounted? The next run would fill this one from the start.',
  })
}

type Held = Pick<App, 'ledger' | 'sink'>

/** Costs the gateway nothing, and disturbs no run that goes on. */
async function countsOnly(job: Job): Promise<Certificate> {
  const { config, context } = job
  const { clock, log, signal } = context
  const ledger = Ledger.openForReading(config.ledger, clock)
  const sink = await openSink(config, { clock, log })
  try {
    const report = await sink.check(signal)
    if (ledger.provesOthersOnly(sink.id)) throw othersOnly(sink.label)
    const rows = await countRows(job, { ledger, sink }, report)
    return certificate(job, { ledger, sink }, report, { findings: rows.map(row => findingOfCount(row)) })
  } finally {
    await sink.close()
    ledger.close()
  }
}

async function withGateways(job: Job): Promise<Certificate> {
  const { config, options, context } = job
  const { clock, log, signal } = context
  const app = await openApp(config, 'verify', { clock, log })
  try {
    const report = await app.prepare(signal)
    const releases: Record<string, string | undefined> = {}
    for (const { name } of config.gateways)
      if (options.gateway === undefined || options.gateway === name) releases[name] = await app.hello(name, signal)
    const seed = options.seed ?? randomInt(2 ** 31)
    const looks = await look(job, app, report, seed)
    return certificate(job, app, report, {
      findings: looks.map(({ after }) => after),
      healing: options.heal === true ? healingOf(looks) : undefined,
      seed: options.sample === undefined ? undefined : seed,
      releases,
    })
  } finally {
    await app.close()
  }
}

type Look = Omit<Examined, 'row'>

/** Asks the gateway for no more than what is to be compared or put right. */
async function look(job: Job, app: App, report: SinkReport, seed: number): Promise<Look[]> {
  const { options, context, config } = job
  const { terminal, signal } = context
  const isEntries = options.full === true || options.sample !== undefined
  const looks: Look[] = []
  const readable: { row: CountedRow; range: TimeRange }[] = []
  for (const row of await countRows(job, app, report)) {
    const range = clip(clip(row.range, job.within), { after: oldestOf(job, report), until: Number.POSITIVE_INFINITY })
    const isAskable = configOf(config, row.gateway) !== undefined && rangeLength(range) > 0
    if (isAskable && (isEntries || row.verdict !== 'equal')) readable.push({ row, range })
    else looks.push(untouched(isEntries ? findingUnasked(row) : findingOfCount(row)))
  }
  const drawn =
    options.sample === undefined
      ? readable
      : sampleRows(readable, options.sample, sampleWindowMs, randomOf(seed)).map(({ row: { row }, range }) => ({
          row,
          range,
        }))
  // a sample says nothing of what it was not drawn from
  if (options.sample !== undefined && drawn.length > 0) looks.splice(0)
  const examination = {
    sink: app.sink,
    ledger: app.ledger,
    reread: (row: CountedRow, range: TimeRange) =>
      app.reread(row, range, { report, mends: options.heal === true }, signal),
    reaches: (row: CountedRow) => app.reaches(row, row.range.after),
    accept: options.accept === true,
  }
  const now = new Map<CountedRow, CountedRow>()
  for (const [i, { row: first, range: part }] of drawn.entries()) {
    terminal.live(`comparing ${i + 1} of ${drawn.length} …`)
    const row = now.get(first) ?? first
    const { entries } = config.requests
    const work: Examination = isEntries
      ? { row, part, pieces: [part], by: 'entries' }
      : { row, part, pieces: await suspectPieces(row, part, entries, app.sink, signal), by: 'count' }
    const examined = await examine(work, examination, signal)
    now.set(first, examined.row)
    looks.push(examined)
  }
  terminal.live('')
  return looks
}

function untouched(finding: Finding): Look {
  return { before: finding, after: finding, written: 0, accepted: { ranges: 0, lost: 0 } }
}

function healingOf(looks: readonly Look[]): Healing {
  const sum = (of: (look: Look) => number) => looks.reduce((total, it) => total + of(it), 0)
  return {
    before: looks.map(({ before }) => before),
    written: sum(({ written }) => written),
    accepted: { ranges: sum(({ accepted }) => accepted.ranges), lost: sum(({ accepted }) => accepted.lost) },
  }
}

async function countRows(job: Job, { ledger, sink }: Held, report: SinkReport): Promise<CountedRow[]> {
  const { config, context, options, within } = job
  const oldest = oldestOf(job, report)
  const rows: CountedRow[] = []
  for (const gateway of gatewaysOf(config, options.gateway, ledger, sink.id)) {
    const claims = ledger.claims({ sink: sink.id, gateway }, selectorsOf(config, gateway, ledger, sink.id))
    for await (const row of countClaims(gateway, claims, { sink, oldest, within }, context.signal)) rows.push(row)
  }
  return rows
}

function oldestOf({ context }: Job, { retentionMs }: SinkReport): number {
  return retentionMs === undefined ? Number.NEGATIVE_INFINITY : context.clock.now() - retentionMs
}

function withinOf({ from, to }: VerifyOptions, { clock }: CommandContext): TimeRange {
  const now = clock.now()
  return {
    after: from === undefined ? Number.NEGATIVE_INFINITY : parseTime(from, '--from', now),
    until: to === undefined ? Number.POSITIVE_INFINITY : parseTime(to, '--to', now),
  }
}

function clip(range: TimeRange, within: TimeRange): TimeRange {
  return { after: Math.max(range.after, within.after), until: Math.min(range.until, within.until) }
}

function certificate(
  { config, options, program, context, within }: Job,
  { ledger, sink }: { readonly ledger: Ledger; readonly sink: Sink },
  report: SinkReport,
  known: Pick<Certificate, 'findings'> & Partial<Pick<Certificate, 'healing' | 'seed' | 'releases'>>,
): Certificate {
  const { findings, healing, seed, releases = {} } = known
  const names = gatewaysOf(config, options.gateway, ledger, sink.id)
  return {
    at: context.clock.now(),
    program,
    sink: sink.label,
    report,
    mode: options.full === true ? 'full' : options.sample === undefined ? 'counts' : 'sample',
    seed,
    scope: scopeOf(config, names, { ledger, sink: sink.id, within }, findings),
    releases,
    findings,
    healing,
  }
}
