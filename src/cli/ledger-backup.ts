import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Config } from '../config/config.ts'
import { backUpLedger } from '../ledger/backup.ts'
import type { CommandContext } from './context.ts'
import { countText } from './format.ts'
import { exitCode } from './outcome.ts'

/** Copies the ledger into a new file, also while another process works with it. */
export function backUp(config: Config, file: string, { terminal, cwd }: CommandContext): number {
  const copy = resolve(cwd, file)
  backUpLedger(config.ledger, copy)
  terminal.out(`${copy}: a copy of ${config.ledger}, ${countText(statSync(copy).size)} bytes`)
  return exitCode.done
}
