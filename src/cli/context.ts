import type { Logger } from 'pino'
import type { Config } from '../config/config.ts'
import type { Clock } from '../domain/clock.ts'
import type { Terminal } from './terminal.ts'

/** What every command is given. */
export interface CommandContext {
  readonly terminal: Terminal
  readonly clock: Clock
  readonly log: Logger
  /** Aborts at Ctrl-C and SIGTERM. */
  readonly signal: AbortSignal
  /** Aborts when standard output can no longer be written to: for commands that do nothing but show. */
  readonly outputGone: AbortSignal
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
}

/** What the commands are registered with: each action is carried out by one of these, and its result is the exit code. */
export interface CommandHost {
  /** Of the program. */
  readonly version: string
  run(action: (context: CommandContext) => Promise<number>): Promise<void>
  /** The same with the configuration that --config names. */
  runWithConfig(action: (config: Config, context: CommandContext) => Promise<number>): Promise<void>
}
