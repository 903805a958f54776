import type { Command } from 'commander'
import { type App, findGateway, openApp, runApp } from '../app.ts'
import type { Config } from '../config/config.ts'
import { durationText } from '../domain/duration.ts'
import type { TimeRange } from '../domain/range.ts'
import { checkDatabase } from '../pipeline/check-database.ts'
import type { CommandContext, CommandHost } from './context.ts'
import { countOf } from './format.ts'
import { exitCode, exitCodeOf, outcomeJson, tellOutcome } from './outcome.ts'
import { Progress } from './progress.ts'

interface RetryOptions {
  readonly gateway?: string
  readonly json?: boolean
}

export function registerRetry(program: Command, host: CommandHost): void {
  program
    .command('retry')
    .description('try the parked ranges again, now')
    .option('--gateway <name>', 'only this gateway')
    .option('--json', 'the closing receipt as one JSON document')
    .action((options: RetryOptions) => host.runWithConfig((config, context) => retry(config, options, context)))
}

/** Tries parked ranges again, now, and nothing else. */
async function retry(config: Config, options: RetryOptions, context: CommandContext): Promise<number> {
  const { terminal, clock, signal, log } = context
  if (options.gateway !== undefined) findGateway(config, options.gateway)
  await using opened = new AsyncDisposableStack()
  const app = opened.adopt(await openApp(config, 'retry', { clock, log }), it => it.close())
  const progress = opened.adopt(new Progress(terminal, clock), it => it.close())
  const parked = parkedRanges(config, options.gateway, app)
  if (options.json !== true && parked.length === 0) {
    terminal.out('Nothing is parked.')
    return exitCode.done
  }
  const { retentionMs, overwrites } = await checkDatabase(app, signal)
  const oldest = retentionMs === undefined ? Number.NEGATIVE_INFINITY : clock.now() - retentionMs
  const tooOld = parked.filter(({ until }) => until <= oldest).length
  if (tooOld > 0)
    terminal.say(`${app.sink.label} keeps ${durationText(retentionMs!)}: ${tooOldText(tooOld)} older and not fetched`)
  if (options.json !== true && tooOld === parked.length) return exitCode.missing
  const demand = { kind: 'parked' } as const
  const run = { demand, only: options.gateway, keptMs: retentionMs, observe: progress.observe }
  const outcome = await runApp(app, config, run, signal)
  const names = outcome.gateways.map(({ gateway }) => gateway)
  const ending = { ...outcome, deadLetters: app.deadLetters.count(names, hullOf(parked)) }
  progress.close()
  if (options.json === true) terminal.out(outcomeJson(ending))
  else tellOutcome(ending, app.sink.label, terminal, overwrites)
  return exitCodeOf(ending)
}

/**
 * Each range of a gateway once, whichever datapoints it is about. Asks the ledger alone: a gateway that is away is not
 * asked for nothing.
 */
function parkedRanges(config: Config, only: string | undefined, { ledger, sink }: App): TimeRange[] {
  return config.gateways
    .filter(({ name }) => only === undefined || name === only)
    .flatMap(({ name, datapoints }) => {
      const place = { sink: sink.id, gateway: name }
      const parked = datapoints.flatMap(({ selector }) => ledger.parked.of(place, selector))
      return [...new Map(parked.map(({ range }) => [`${range.after} ${range.until}`, range])).values()]
    })
}

/** From the first to the last. */
function hullOf(ranges: readonly TimeRange[]): TimeRange {
  return {
    after: Math.min(...ranges.map(({ after }) => after)),
    until: Math.max(...ranges.map(({ until }) => until)),
  }
}

function tooOldText(count: number): string {
  return `${countOf(count, 'parked range')} ${count === 1 ? 'is' : 'are'}`
}
