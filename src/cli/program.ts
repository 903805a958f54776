import { Command, CommanderError } from 'commander'
import type { Config } from '../config/config.ts'
import { findConfig, loadConfig } from '../config/load.ts'
import { isAbort } from '../domain/failure.ts'
import { registerBackfill } from './backfill.ts'
import { registerCapture } from './capture.ts'
import { registerCheck } from './check.ts'
import type { CommandContext, CommandHost } from './context.ts'
import { registerDeadLetters } from './dead-letters.ts'
import { registerDemo } from './demo.ts'
import { registerDiscover } from './discover.ts'
import { registerForget } from './forget.ts'
import { registerLedger } from './ledger-backup.ts'
import { registerLoad } from './load.ts'
import { exitCode, stopMessage } from './outcome.ts'
import { usageFailure } from './parse-time.ts'
import { registerPlan } from './plan.ts'
import { registerRetry } from './retry.ts'
import { registerRule } from './rule.ts'
import { registerSimulate } from './simulate.ts'
import { registerStatus } from './status.ts'
import { registerSync } from './sync.ts'
import { registerVerify } from './verify.ts'
import { registerWatch } from './watch.ts'

/** In the order of the help. */
const commands = [
  registerDemo,
  registerPlan,
  registerBackfill,
  registerSync,
  registerRetry,
  registerStatus,
  registerCheck,
  registerDiscover,
  registerWatch,
  registerCapture,
  registerSimulate,
  registerVerify,
  registerLoad,
  registerRule,
  registerForget,
  registerDeadLetters,
  registerLedger,
]

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

  const host: CommandHost = {
    version,
    async run(action) {
      result = await action(context)
    },
    async runWithConfig(action) {
      result = await action(readConfig(program.opts<{ config?: string }>().config, context), context)
    },
  }

  for (const register of commands) register(program, host)
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
