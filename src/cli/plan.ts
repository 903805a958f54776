import type { Command } from 'commander'
import { findGateway } from '../app.ts'
import type { Config, GatewayConfig } from '../config/config.ts'
import { durationText } from '../domain/duration.ts'
import { Failure } from '../domain/failure.ts'
import { surveyGateway } from '../inventory/survey.ts'
import { openLedgerReadOnly } from '../ledger/ledger.ts'
import type { Demand } from '../planning/demand.ts'
import { type KnownGateway, planGateway } from '../reports/gateway-plan.ts'
import { readSpan } from './backfill.ts'
import type { CommandContext, CommandHost } from './context.ts'
import { findExistingSink, openInteractive } from './inspection.ts'
import { exitCode } from './outcome.ts'
import { type KnownSink, planJson, planLines } from './plan-text.ts'

interface PlanOptions {
  readonly from?: string
  readonly to?: string
  readonly gateway?: string
  readonly json?: boolean
}

export function registerPlan(program: Command, host: CommandHost): void {
  program
    .command('plan')
    .description('what is missing, what it will cost, and what is at risk; asks for no log and writes nothing')
    .option('--from <time>', 'as for backfill; default: what sync wants')
    .option('--to <time>', 'a time in the same form; default: now')
    .option('--gateway <name>', 'only this gateway')
    .option('--json', 'as one JSON document')
    .action((options: PlanOptions) => host.runWithConfig((config, context) => plan(config, options, context)))
}

/**
 * What the next run would fetch and what it would take. Asks gateways for their devices and log rules alone, reads the
 * ledger without taking it, writes nothing.
 */
async function plan(config: Config, options: PlanOptions, context: CommandContext): Promise<number> {
  const { clock, signal, terminal } = context
  const now = clock.now()
  const demand = demandOf(config, options, now)
  const chosen = options.gateway === undefined ? config.gateways : [findGateway(config, options.gateway)]
  using opened = new DisposableStack()
  const ledger = opened.adopt(openLedgerReadOnly(config.ledger, clock), it => it.close())
  terminal.live('looking at gateways and database …')
  const [sink, known] = await Promise.all([
    lookAtSink(config, context),
    Promise.all(chosen.map(gateway => ask(gateway, context))),
  ])
  terminal.live('planning …')
  signal.throwIfAborted()
  const parts = { ledger, sink: sink.id, retentionMs: sink.report?.retentionMs, now }
  const plans = chosen.map((gateway, i) => planGateway(config, gateway, demand, known[i]!, parts))
  terminal.live('')
  if (options.json === true) terminal.out(planJson(plans, sink, config.requests.order))
  else for (const line of planLines(plans, sink, config.requests.order)) terminal.out(line)
  return exitCode.done
}

/** Between two times what backfill would want, else what sync wants. */
function demandOf(config: Config, { from, to }: PlanOptions, now: number): Demand {
  if (from === undefined && to === undefined) return { kind: 'sync', sinceMs: config.sync.since }
  const { after, until } = readSpan(
    { from: from ?? durationText(config.sync.since), ...(to !== undefined && { to }) },
    now,
  )
  return { kind: 'once', after, until }
}

async function ask(config: GatewayConfig, context: CommandContext): Promise<KnownGateway> {
  const { signal } = context
  await using opened = new AsyncDisposableStack()
  const gateway = opened.adopt(openInteractive(config, context), it => it.close())
  const selectors = config.datapoints.map(({ selector }) => selector)
  const survey = await surveyGateway(gateway, selectors, signal)
  return { survey, clock: gateway.clock, release: gateway.release }
}

/** A database that is away is planned for as one that keeps all. Throws a Failure where the file is none of ours. */
async function lookAtSink(config: Config, { clock, log, signal }: CommandContext): Promise<KnownSink> {
  await using opened = new AsyncDisposableStack()
  const { label, id, sink } = await findExistingSink(config, { clock, log })
  opened.defer(async () => sink?.close())
  // an SQLite file keeps all
  if (sink === undefined) return { label, id, report: undefined, failure: undefined }
  try {
    return { id, label, report: await sink.check(signal), failure: undefined }
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    return { id, label, report: undefined, failure: error }
  }
}
