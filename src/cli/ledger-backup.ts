import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { Config } from '../config/config.ts'
import { backUpLedger } from '../ledger/backup.ts'
import type { CommandContext, CommandHost } from './context.ts'
import { countText } from './format.ts'
import { exitCode } from './outcome.ts'

export function registerLedger(program: Command, host: CommandHost): void {
  program
    .command('ledger')
    .description('the memory of what is complete')
    .command('backup')
    .description('copy it into a new file, also while another process works with it')
    .argument('<file>', 'does not exist yet')
    .action((file: string) => host.runWithConfig(async (config, context) => backUp(config, file, context)))
}

/** Copies the ledger into a new file, also while another process works with it. */
function backUp(config: Config, file: string, { terminal, cwd }: CommandContext): number {
  const copy = resolve(cwd, file)
  backUpLedger(config.ledger, copy)
  terminal.out(`${copy}: a copy of ${config.ledger}, ${countText(statSync(copy).size)} bytes`)
  return exitCode.done
}
