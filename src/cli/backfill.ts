import type { Command } from 'commander'
import { findGateway, openApp, runApp } from '../app.ts'
import type { Config } from '../config/config.ts'
import { isoText } from '../domain/instant.ts'
import { checkDatabase } from '../pipeline/check-database.ts'
import type { CommandContext, CommandHost } from './context.ts'
import { exitCodeOf, outcomeJson, tellOutcome } from './outcome.ts'
import { parseTime, usageFailure } from './parse-time.ts'
import { preflight } from './preflight.ts'
import { Progress } from './progress.ts'

interface BackfillOptions {
  readonly from: string
  readonly to?: string
  readonly gateway?: string
  readonly json?: boolean
}

export function registerBackfill(program: Command, host: CommandHost): void {
  program
    .command('backfill')
    .description('fetch what is missing between two times, once')
    .requiredOption('--from <time>', 'ISO 8601 (UTC unless it names an offset) or a duration back from now, as 30d')
    .option('--to <time>', 'a time in the same form; default: now')
    .option('--gateway <name>', 'only this gateway')
    .option('--json', 'the closing receipt as one JSON document')
    .action((options: BackfillOptions) => host.runWithConfig((config, context) => backfill(config, options, context)))
}

/** Fetches what is missing between two times, once. */
async function backfill(config: Config, options: BackfillOptions, context: CommandContext): Promise<number> {
  const { terminal, clock, signal, log } = context
  const now = clock.now()
  const { after, until } = readSpan(options, now)
  if (options.gateway !== undefined) findGateway(config, options.gateway)

  await using opened = new AsyncDisposableStack()
  const app = opened.adopt(await openApp(config, 'backfill', { clock, log }), it => it.close())
  const progress = opened.adopt(new Progress(terminal, clock), it => it.close())
  const report = await checkDatabase(app, signal)
  const asked = { after, until: until ?? now }
  const known = preflight(app.sink.label, report, asked, now)
  if (options.json !== true) for (const words of known.words) terminal.say(words)
  const demand = { kind: 'once', after, until } as const
  const { observe } = progress
  const run = { demand, only: options.gateway, keptMs: report.retentionMs, observe }
  const outcome = await runApp(app, config, run, signal)
  const names = outcome.gateways.map(({ gateway }) => gateway)
  const ending = { ...outcome, deadLetters: app.deadLetters.count(names, { after, until: until ?? now }) }
  progress.close()
  if (options.json === true) terminal.out(outcomeJson(ending, known))
  else tellOutcome(ending, app.sink.label, terminal, report.overwrites)
  return exitCodeOf(ending)
}

/** The times on the command line, ms; `until` undefined: now. Throws a Failure where they are no times, or in disorder. */
export function readSpan(options: Pick<BackfillOptions, 'from' | 'to'>, now: number) {
  const after = parseTime(options.from, '--from', now)
  const until = options.to === undefined ? undefined : parseTime(options.to, '--to', now)
  if (after >= (until ?? now))
    throw usageFailure(
      `--from ${isoText(after)} is not before ${until === undefined ? 'now' : `--to ${isoText(until)}`}`,
      'A backfill goes from an earlier to a later time.',
    )
  return { after, until }
}
