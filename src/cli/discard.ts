import type { Command } from 'commander'
import type { Config } from '../config/config.ts'
import { type ChosenLetters, chosenLetters, discardLetters, type LetterChoice } from '../dead-letters/discard.ts'
import { openLedger } from '../ledger/ledger.ts'
import type { CommandContext, CommandHost } from './context.ts'
import { countOf, countRow } from './format.ts'
import { exitCode } from './outcome.ts'
import { parseTime, usageFailure } from './parse-time.ts'

interface DiscardOptions {
  /** Why they are given up, in the words of a person. */
  readonly reason: string
  readonly gateway?: string
  readonly from?: string
  readonly to?: string
  /** Only letters of this code. */
  readonly code?: string
  readonly yes?: boolean
  readonly json?: boolean
}

export function registerDiscard(deadLetters: Command, host: CommandHost): void {
  deadLetters
    .command('discard')
    .description('give them up on purpose: they no longer count as missing, and certificates say so')
    .requiredOption('--reason <text>', 'why; it is kept and shown for good')
    .option('--gateway <name>', 'only of this gateway')
    .option('--from <time>', 'only of requests for some time after this: ISO 8601 or a duration back from now')
    .option('--to <time>', 'only of requests for some time before this, in the same form')
    .option('--code <code>', 'only those that could not be written for this reason, as "dead-letters" lists them')
    .option('--yes', 'without it nothing is changed')
    .option('--json', 'as one JSON document')
    .action((_: unknown, discard: Command) =>
      host.runWithConfig((config, context) =>
        discardDeadLetters(config, discard.optsWithGlobals<DiscardOptions>(), context),
      ),
    )
}

/** Gives dead letters up: they no longer count as missing, and every certificate says so. Without `yes` it shows what it would do. */
async function discardDeadLetters(
  config: Config,
  options: DiscardOptions,
  { clock, signal, terminal }: CommandContext,
): Promise<number> {
  const { gateway, code, json } = options
  const reason = options.reason.trim()
  if (reason === '') throw usageFailure('--reason is empty', 'Say why the entries are given up: it is kept for good.')
  const choice = { gateway, code, range: rangeOf(options, clock.now()) }
  using opened = new DisposableStack()
  const ledger = opened.adopt(openLedger(config.ledger, clock), it => it.close())
  await ledger.owner.watch()
  ledger.owner.take('dead-letters discard')
  const { path } = config.deadLetters
  const isDone = options.yes === true
  const letters = isDone
    ? await discardLetters(path, choice, { at: clock.now(), reason }, signal)
    : await chosenLetters(path, choice)
  const count = letters.reduce((sum, it) => sum + it.count, 0)
  if (json === true) terminal.out(JSON.stringify({ discarded: isDone ? count : 0, chosen: count, reason, letters }))
  else for (const line of linesOf(letters, count, reason, isDone)) terminal.out(line)
  return isDone || count === 0 ? exitCode.done : exitCode.missing
}

function rangeOf({ from, to }: DiscardOptions, now: number): LetterChoice['range'] {
  const after = from === undefined ? Number.NEGATIVE_INFINITY : parseTime(from, '--from', now)
  const until = to === undefined ? Number.POSITIVE_INFINITY : parseTime(to, '--to', now)
  if (after >= until)
    throw usageFailure('--from is not before --to', 'Letters are chosen from an earlier to a later time.')
  return { after, until }
}

function linesOf(letters: readonly ChosenLetters[], count: number, reason: string, isDone: boolean): string[] {
  if (count === 0) return ['There are no such dead letters: nothing was changed.']
  const rows = letters.map(it => countRow(it.count, `${it.gateway}  ${it.code}`))
  const head = countOf(count, 'dead letter')
  return isDone
    ? [
        `${head} discarded on purpose (${reason}):`,
        ...rows,
        'They no longer count as missing. status and the certificate of verify name them.',
      ]
    : [
        `${head} would be discarded (${reason}):`,
        ...rows,
        'Nothing was changed: give --yes to discard them. They cannot be replayed then.',
      ]
}
