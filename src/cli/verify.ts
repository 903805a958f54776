import { randomInt } from 'node:crypto'
import { type App, findGateway, openApp, openSink } from '../app.ts'
import type { Config } from '../config/schema.ts'
import { selectorKey } from '../domain/datapoint.ts'
import { Failure } from '../domain/failure.ts'
import { RangeSet, type TimeRange } from '../domain/range.ts'
import { Ledger } from '../ledger/ledger.ts'
import { type CountedRow, countClaims } from '../pipeline/counting.ts'
import { compareRow, type Finding, findingOfCount, sampleRows, uncoverDifferences } from '../pipeline/verification.ts'
import type { Sink, SinkReport } from '../sinks/sink.ts'
import { type Certificate, certificateJson, certificateLines } from './certificate.ts'
import type { CommandContext } from './context.ts'
import { exitCode } from './outcome.ts'
import { Progress } from './progress.ts'
import { parseTime, usageFailure } from './times.ts'

export interface VerifyOptions {
  readonly from?: string
  readonly to?: string
  readonly gateway?: string
  readonly full?: boolean
  readonly sample?: number
  readonly seed?: number
  readonly heal?: boolean
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
  if (options.gateway !== undefined) findGateway(config, options.gateway)
  const asksGateway = options.full === true || options.sample !== undefined || options.heal === true
  const job = { config, options, program, context }
  const certificate = asksGateway ? await withGateways(job) : await countsOnly(job)
  if (options.json === true) context.terminal.out(certificateJson(certificate))
  else for (const line of certificateLines(certificate)) context.terminal.out(line)
  const isWhole = certificate.findings.every(({ verdict, unread }) => verdict !== 'differs' && unread === 0)
  return isWhole ? exitCode.done : exitCode.missing
}

interface Job {
  readonly config: Config
  readonly options: VerifyOptions
  readonly program: string
  readonly context: CommandContext
}

/** Costs the gateway nothing, and disturbs no run that goes on. */
async function countsOnly(job: Job): Promise<Certificate> {
  const { config, context } = job
  const { clock, log, signal } = context
  const ledger = Ledger.openForReading(config.ledger, clock)
  const sink = await openSink(config, { clock, log })
  try {
    const report = await sink.check(signal)
    const rows = await countRows(job, { ledger, sink }, report)
    return certificate(job, {
      sink,
      report,
      findings: rows.map(findingOfCount),
      healed: 0,
      seed: undefined,
      releases: {},
    })
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
    for (const name of namesOf(job)) releases[name] = await app.hello(name, signal)
    const seed = options.seed ?? randomInt(2 ** 31)
    let healed = 0
    let findings = await look(job, app, report, seed)
    if (options.heal === true && findings.some(({ verdict }) => verdict === 'differs')) {
      healed = await heal(job, app, report, findings)
      findings = await look(job, app, report, seed)
    }
    const shownSeed = options.sample === undefined ? undefined : seed
    return certificate(job, { sink: app.sink, report, findings, healed, seed: shownSeed, releases })
  } finally {
    await app.close()
  }
}

async function look(job: Job, app: App, report: SinkReport, seed: number): Promise<Finding[]> {
  const { options, context } = job
  const rows = await countRows(job, app, report)
  if (options.full !== true && options.sample === undefined) return rows.map(findingOfCount)
  const within = withinOf(job)
  const readable = rows.filter(({ verdict }) => verdict !== 'expired')
  const parts =
    options.sample === undefined
      ? readable.map(row => ({ row, range: clip(row.range, within) }))
      : sampleRows(readable, options.sample, sampleWindowMs, randomOf(seed))
  const findings = rows.filter(({ verdict }) => verdict === 'expired').map(findingOfCount)
  for (const [i, { row, range }] of parts.entries()) {
    context.terminal.live(`comparing ${i + 1} of ${parts.length} …`)
    findings.push(await compareRow(row, range, app.reread(row, range, report, context.signal)))
  }
  context.terminal.live('')
  return findings
}

/** Fetches again what differs, and nothing else. Returns the number of ranges that were taken back. */
async function heal(job: Job, app: App, report: SinkReport, findings: readonly Finding[]): Promise<number> {
  const { terminal, clock, signal } = job.context
  const differing = new Map<string, RangeSet>()
  for (const row of await countRows(job, app, report)) {
    const key = selectorKey(row.selector)
    const isDifferent = findings.some(
      it =>
        it.verdict === 'differs' &&
        it.gateway === row.gateway &&
        selectorKey(it.selector) === key &&
        !RangeSet.of(it.range).intersect(row.range).isEmpty,
    )
    if (!isDifferent) continue
    const windows = app.reread(row, row.range, report, signal)
    const found = await uncoverDifferences(row, windows, app.ledger, app.sink.id)
    differing.set(row.gateway, (differing.get(row.gateway) ?? RangeSet.empty).add(found))
  }
  const progress = new Progress(terminal, clock)
  let healed = 0
  for (const [gateway, set] of differing)
    for (const range of set.ranges) {
      const wish = { wanted: () => range, secondLookMs: 0, newestFirst: false, parkedRestMs: 0, deadline: undefined }
      const [outcome] = (await app.run(wish, gateway, progress.observe, signal)).gateways
      progress.close()
      // taken back and not fetched: no certificate may call that equal
      if (outcome?.failure !== undefined) throw outcome.failure
      if (outcome !== undefined && outcome.parked > 0) throw notHealed(gateway, outcome.parked)
      healed++
    }
  return healed
}

function notHealed(gateway: string, parked: number): Failure {
  return new Failure(`${gateway}: ${parked} of the ranges that differ could not be fetched again and are parked`, {
    code: 'not-healed',
    retry: 'later',
    reach: 'gateway',
    advice: '"backfill" over the same time tries them again; "status" lists them. Then verify once more.',
  })
}

async function countRows(
  job: Job,
  { ledger, sink }: { ledger: Ledger; sink: Sink },
  report: SinkReport,
): Promise<CountedRow[]> {
  const { config, context } = job
  const within = withinOf(job)
  const oldest = report.retentionMs === undefined ? Number.NEGATIVE_INFINITY : context.clock.now() - report.retentionMs
  const rows: CountedRow[] = []
  for (const { name, datapoints } of config.gateways) {
    if (job.options.gateway !== undefined && job.options.gateway !== name) continue
    const selectors = datapoints.map(({ selector }) => selector)
    const claims = ledger.claims({ sink: sink.id, gateway: name }, selectors)
    for await (const row of countClaims(name, claims, { sink, oldest, within }, context.signal)) rows.push(row)
  }
  return rows
}

function namesOf({ config, options }: Job): string[] {
  return options.gateway === undefined ? config.gateways.map(({ name }) => name) : [options.gateway]
}

function withinOf({ options, context }: Job): TimeRange {
  const now = context.clock.now()
  return {
    after: options.from === undefined ? Number.NEGATIVE_INFINITY : parseTime(options.from, '--from', now),
    until: options.to === undefined ? Number.POSITIVE_INFINITY : parseTime(options.to, '--to', now),
  }
}

function clip(range: TimeRange, within: TimeRange): TimeRange {
  return { after: Math.max(range.after, within.after), until: Math.min(range.until, within.until) }
}

function certificate(
  { config, options, program, context }: Job,
  known: Pick<Certificate, 'report' | 'findings' | 'healed' | 'seed' | 'releases'> & { sink: Sink },
): Certificate {
  const mode = options.full === true ? 'full' : options.sample === undefined ? 'counts' : 'sample'
  const { sink, ...rest } = known
  return { ...rest, sink: sink.label, at: context.clock.now(), program, mode, gateways: config.gateways }
}

/** Numbers in [0, 1): mulberry32. */
function randomOf(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
