import { Command, CommanderError, InvalidArgumentError } from 'commander'
import type { Config } from '../config/config.ts'
import { findConfig, loadConfig } from '../config/load.ts'
import { isAbort } from '../domain/failure.ts'
import { type BackfillOptions, backfill } from './backfill.ts'
import { type CaptureOptions, capture } from './capture.ts'
import { type CheckOptions, check } from './check.ts'
import type { CommandContext } from './context.ts'
import { listDeadLetters, type ReplayOptions, replayDeadLetters } from './dead-letters.ts'
import { demo } from './demo.ts'
import { type DiscardOptions, discardDeadLetters } from './discard.ts'
import { type DiscoverOptions, discover } from './discover.ts'
import { backUp } from './ledger-backup.ts'
import { type LoadOptions, load } from './load.ts'
import { exitCode } from './outcome.ts'
import { usageFailure } from './parse-time.ts'
import { type PlanOptions, plan } from './plan.ts'
import { type RetryOptions, retry } from './retry.ts'
import { chooseRule, type RuleOptions, showRules } from './rule.ts'
import { simulate } from './simulate.ts'
import { addSimulatorFlags, type SimulatorFlags } from './simulator-flags.ts'
import { status } from './status.ts'
import { stopMessage } from './stop-message.ts'
import { sync } from './sync.ts'
import { type VerifyOptions, verify } from './verify.ts'
import { type WatchOptions, watch } from './watch.ts'

/**
 * Reads the command line and carries it out; resolves to the exit code, also where the signal stopped it. Throws what the
 * command throws.
 */
export async function runProgram(argv: readonly string[], version: string, context: CommandContext): Promise<number> {
  let result: number = exitCode.done
  let begun = ''
  const program = new Command('smartserver-etl')
    .description(
      'Moves the data logs of SmartServer IoT gateways into a time-series database: completely, politely and provably.',
    )
    .version(version)
    .option('-c, --config <file>', 'configuration; default: smartserver-etl.yaml here, else in config/')
    .exitOverride()
    .configureOutput({
      writeOut: text => context.terminal.out(...text.trimEnd().split('\n')),
      writeErr: text => context.terminal.say(...text.trimEnd().split('\n')),
    })
    .showHelpAfterError('(--help shows the commands and options)')
    .hook('preAction', (_, command) => {
      begun = nameOf(command)
    })

  const withConfig = () => readConfig(program.opts<{ config?: string }>().config, context)

  program
    .command('demo')
    .description('the main job on a simulated gateway, into data/demo')
    .action(async () => {
      result = await demo(context)
    })
  program
    .command('plan')
    .description('what is missing, what it will cost, and what is at risk; asks for no log and writes nothing')
    .option('--from <time>', 'as for backfill; default: what sync wants')
    .option('--to <time>', 'likewise; default: now')
    .option('--gateway <name>', 'only this gateway')
    .option('--json', 'as one JSON document')
    .action(async (options: PlanOptions) => {
      result = await plan(withConfig(), options, context)
    })
  program
    .command('backfill')
    .description('fetch what is missing between two times, once')
    .requiredOption('--from <time>', 'ISO 8601 (UTC unless it names an offset) or a duration back from now, as 30d')
    .option('--to <time>', 'likewise; default: now')
    .option('--gateway <name>', 'only this gateway')
    .option('--json', 'the closing receipt as one JSON document')
    .action(async (options: BackfillOptions) => {
      result = await backfill(withConfig(), options, context)
    })
  program
    .command('sync')
    .description('keep the database current, on the schedule of the configuration')
    .option('--once', 'one pass, then end')
    .action(async (options: { once?: boolean }) => {
      result = await sync(withConfig(), options, context)
    })
  program
    .command('retry')
    .description('try the parked ranges again, now')
    .option('--gateway <name>', 'only this gateway')
    .option('--json', 'the closing receipt as one JSON document')
    .action(async (options: RetryOptions) => {
      result = await retry(withConfig(), options, context)
    })
  program
    .command('status')
    .description('what is complete and what is missing, by gateway and datapoint')
    .option('--json', 'as one JSON document')
    .action(async (options: { json?: boolean }) => {
      result = await status(withConfig(), options, context)
    })
  program
    .command('check')
    .description('test gateways, datapoints and the database without transferring anything')
    .option('--gateway <name>', 'only this gateway')
    .option('--json', 'as one JSON document')
    .action(async (options: CheckOptions) => {
      result = await check(withConfig(), options, context)
    })
  program
    .command('discover')
    .description('list what a gateway logs, ready for the configuration')
    .argument('<gateway>', 'its name in the configuration')
    .option('--device <glob>', 'only devices with such a name, as "Sensor*"')
    .option('--datapoint <glob>', 'only datapoints with such a name, as "nvoLux*" or "LightSensor/*"')
    .option('--write <file>', 'write the list to this new file')
    .option('--force', 'overwrite the file of --write')
    .action(async (name: string, options: DiscoverOptions) => {
      result = await discover(withConfig(), name, options, context)
    })
  program
    .command('watch')
    .description('show values as they come')
    .argument('<gateway>', 'its name in the configuration')
    .argument('[datapoints...]', 'as in the configuration, "Sensor 1/*/*/*"; default: those configured')
    .option('--json', 'one JSON document for each update')
    .option('--actions', "everything that the gateway's general socket brings, without subscribing")
    .action(async (name: string, datapoints: string[], options: WatchOptions) => {
      result = await watch(withConfig(), name, datapoints, options, context)
    })
  program
    .command('capture')
    .description('record what the gateway sends for data-log requests, frame by frame')
    .argument('<gateway>', 'its name in the configuration')
    .argument('[datapoints...]', 'as in the configuration, "Sensor 1/*/*/*"; default: those configured')
    .requiredOption('--from <time>', 'ISO 8601 (UTC unless it names an offset) or a duration back from now, as 1d')
    .option('--to <time>', 'likewise; default: now')
    .requiredOption('--out <file>', 'new file for the recording, one JSON document a line')
    .action(async (name: string, datapoints: string[], options: CaptureOptions) => {
      result = await capture(withConfig(), name, datapoints, options, context)
    })
  const simulator = program.command('simulate').description('a simulated gateway by itself')
  addSimulatorFlags(simulator).action(async (flags: SimulatorFlags) => {
    result = await simulate(flags, context)
  })

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
    .option('--accept', 'after healing: take as proven what is there, where nobody can bring more back')
    .option('--json', 'the certificate as one JSON document')
    .action(async (options: VerifyOptions) => {
      result = await verify(withConfig(), options, version, context)
    })
  program
    .command('load')
    .description('bring a bundle (sink.bundle) into the configured database')
    .argument('<folder>', 'the bundle')
    .option('--json', 'the receipt as one JSON document')
    .option('--trust', 'record as complete also where the bundle has no entry of a datapoint')
    .action(async (folder: string, options: LoadOptions) => {
      result = await load(withConfig(), folder, options, context)
    })
  const rule = program
    .command('rule')
    .description('what the points of a datapoint are made by: shows what has changed in the configuration since')
    .option('--gateway <name>', 'only this gateway')
    .option('--datapoint <datapoint...>', 'only these, as in the configuration: "Meter 3/*/*/*"')
    .option('--json', 'as one JSON document')
    .action(async (options: RuleOptions) => {
      result = await showRules(withConfig(), options, context)
    })
  const choices = {
    remap: 'fetch the past again by the rule of today',
    'from-now': 'leave the past as it is; the rule of today is for what comes',
    same: 'take both rules for the same, as after a typing error: nothing is fetched again',
  } as const
  for (const choice of Object.keys(choices) as (keyof typeof choices)[])
    rule
      .command(choice)
      .description(choices[choice])
      .option('--gateway <name>', 'only this gateway')
      .option('--datapoint <datapoint...>', 'only these, as in the configuration: "Meter 3/*/*/*"')
      .option('--json', 'as one JSON document')
      .action(async (_: unknown, command: Command) => {
        result = await chooseRule(withConfig(), choice, command.optsWithGlobals<RuleOptions>(), context)
      })
  const deadLetters = program
    .command('dead-letters')
    .description('what could not be written, by reason and datapoint')
    .option('--json', 'as one JSON document')
    .action(async (options: { json?: boolean }) => {
      result = await listDeadLetters(withConfig(), options, context)
    })
  deadLetters
    .command('replay')
    .description('try them once more by the configuration of today, and keep what still fails')
    .option('--reason <reason>', 'only those of this reason')
    .option('--json', 'the receipt as one JSON document')
    .action(async (_: unknown, command: Command) => {
      result = await replayDeadLetters(withConfig(), command.optsWithGlobals<ReplayOptions>(), context)
    })
  deadLetters
    .command('discard')
    .description('give them up on purpose: they are missing no more, and certificates say so')
    .requiredOption('--reason <text>', 'why; it is kept and shown for good')
    .option('--gateway <name>', 'only of this gateway')
    .option('--from <time>', 'only of requests for some time after this: ISO 8601 or a duration back from now')
    .option('--to <time>', 'only of requests for some time before this, in the same form')
    .option('--code <code>', 'only those that could not be written for this reason, as "dead-letters" lists them')
    .option('--yes', 'without it nothing is changed')
    .option('--json', 'as one JSON document')
    .action(async (_: unknown, command: Command) => {
      result = await discardDeadLetters(withConfig(), command.optsWithGlobals<DiscardOptions>(), context)
    })
  program
    .command('ledger')
    .description('the memory of what is complete')
    .command('backup')
    .description('copy it into a new file, also while another process works with it')
    .argument('<file>', 'does not exist yet')
    .action((file: string) => {
      result = backUp(withConfig(), file, context)
    })
  try {
    await program.parseAsync(argv, { from: 'user' })
    return result
  } catch (error) {
    // commander has said what is wrong; help and version are no error
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCode.done : exitCode.usage
    if (!isAbort(error, context.signal)) throw error
    context.terminal.live('')
    context.terminal.say(stopMessage(begun))
    return exitCode.interrupted
  }
}

/** As on the command line: `dead-letters replay`, `verify --heal`. */
function nameOf(command: Command): string {
  const name = command.name()
  if (command.parent?.parent) return `${command.parent.name()} ${name}`
  return command.opts<{ heal?: boolean }>().heal === true ? `${name} --heal` : name
}

function readConfig(given: string | undefined, { cwd, env }: CommandContext): Config {
  const file = given ?? findConfig(cwd)
  if (file !== undefined) return loadConfig(file, env)
  throw usageFailure(
    'there is no smartserver-etl.yaml here, nor in config/',
    'Copy config/example.yaml to smartserver-etl.yaml and fit it to your site, or name a file with --config.',
  )
}

function positive(text: string): number {
  const value = Number(text)
  if (!/^\d{1,10}$/.test(text) || value === 0) throw new InvalidArgumentError('a whole number from 1 on is needed')
  return value
}
