import type { Command } from 'commander'
import type { Logger } from 'pino'
import { type App, openApp, openMetrics, runApp } from '../app.ts'
import type { Config, GatewayConfig } from '../config/config.ts'
import { durationText } from '../domain/duration.ts'
import { checkDatabase } from '../pipeline/check-database.ts'
import { wantedSince } from '../planning/demand.ts'
import { gatewayPace } from '../reports/gateway-pace.ts'
import { createDailyVerification } from '../service/daily-verification.ts'
import { untilReady } from '../service/readiness.ts'
import { type SyncRun, syncForever, syncOnce } from '../service/sync.ts'
import { stillMsOf } from '../sinks/settle.ts'
import type { Sink, SinkReport } from '../sinks/sink.ts'
import { checkOneRange } from '../verification/daily-check.ts'
import type { CommandContext, CommandHost } from './context.ts'
import { exitCode, exitCodeOf } from './outcome.ts'
import { paceWarning } from './pace-text.ts'

interface SyncOptions {
  readonly once?: boolean
}

export function registerSync(program: Command, host: CommandHost): void {
  program
    .command('sync')
    .description('keep the database current, on the schedule of the configuration')
    .option('--once', 'one pass, then end')
    .action((options: SyncOptions) => host.runWithConfig((config, context) => sync(config, options, context)))
}

/** Keeps the database current: now, and then on schedule until it is stopped. */
async function sync(config: Config, options: SyncOptions, context: CommandContext): Promise<number> {
  const { clock, log, signal } = context
  await using opened = new AsyncDisposableStack()
  const app = opened.adopt(await openApp(config, 'sync', { clock, log }), it => it.close())
  const shown = options.once === true ? undefined : await openMetrics(config)
  if (shown !== undefined) {
    opened.defer(shown.close)
    log.info({ url: shown.url }, 'serving metrics')
  }
  const check = (stop: AbortSignal) => checkDatabase(app, stop)
  const report = await (options.once === true ? check(signal) : untilReady(check, { clock, log }, signal))
  const run: SyncRun = (demand, only, observe, stop) =>
    runApp(app, config, { demand, only, keptMs: report.retentionMs, observe }, stop)
  const lettersOf = (gateway: string) => {
    const { after } = wantedSince(clock.now(), config.sync.since, app.ledger.memory.wantedOf(gateway))
    return app.deadLetters.count([gateway], { after, until: Number.POSITIVE_INFINITY })
  }
  const metrics = shown?.metrics
  const names = config.gateways.map(({ name }) => name)
  const verification = isVerified(app.sink, config)
    ? createDailyVerification(names, { ...rangeChecks(app, report), clock, log, metrics })
    : undefined
  const parts = { run, lettersOf, verification, clock, log, logged: new Set<string>(), metrics }
  for (const warning of report.warnings) log.warn({ sink: app.sink.label, warning }, 'database warning')
  tellRetention(report.retentionMs, config.sync.since, app.sink.label, log)
  if (options.once === true) {
    const outcome = await syncOnce(config.sync, parts, {}, signal)
    await verification?.look(signal)
    const code = exitCodeOf(outcome)
    return code === exitCode.done && verification?.isHeld() === false ? exitCode.missing : code
  }
  const { length } = config.gateways
  for (const gateway of config.gateways) tellPace(config, gateway, app)
  log.info({ gateways: length, sink: app.sink.label, every: durationText(config.sync.every) }, 'sync started')
  await syncForever(names, config.sync, parts, signal)
  log.info('sync stopped')
  return exitCode.done
}

/** Before the first pass: nothing would be lost, but the newest entries come late for good. */
function tellPace(config: Config, gateway: GatewayConfig, { ledger, sink, log }: App): void {
  const selectors = gateway.datapoints.map(({ selector }) => selector)
  const warning = paceWarning(gatewayPace(config, gateway, selectors, ledger, sink.id))
  if (warning !== undefined) log.warn({ gateway: gateway.name }, warning)
}

/** A bundle is not read back here. */
function isVerified({ begin }: Sink, { sync }: Config): boolean {
  return sync.verify === 'daily' && begin === undefined
}

function rangeChecks({ ledger, sink, clock, gateways }: App, report: SinkReport) {
  const settling = { clock, stillMs: stillMsOf(report), observe: () => {} }
  const claims = new Map(
    gateways.map(({ source: { name }, config }) => [
      name,
      { name, selectors: config.datapoints.map(({ selector }) => selector) },
    ]),
  )
  return {
    check: (gateway: string, signal: AbortSignal) => {
      const { retentionMs } = report
      const oldest = retentionMs === undefined ? Number.NEGATIVE_INFINITY : clock.now() - retentionMs
      return checkOneRange(claims.get(gateway)!, { sink, ledger, clock, oldest, settling }, signal)
    },
    lastOf: (gateway: string) => ledger.memory.rangeCheckOf({ sink: sink.id, gateway }),
  }
}

/** What the database would not keep is not asked for; the operator who set sync.since should know. */
function tellRetention(retentionMs: number | undefined, since: number, sink: string, log: Logger): void {
  if (retentionMs === undefined || retentionMs >= since) return
  log.warn(
    { sink, keeps: durationText(retentionMs), since: durationText(since) },
    'the database keeps less than sync.since reaches back: what is older is not fetched',
  )
}
