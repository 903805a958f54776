import type { Command } from 'commander'
import { openApp, ruledGateways } from '../app.ts'
import type { Config } from '../config/config.ts'
import type { KeptLetter } from '../dead-letters/dead-letters.ts'
import { letterFiles } from '../dead-letters/letter-files.ts'
import { readLetterLines } from '../dead-letters/letter-lines.ts'
import { replayLetters } from '../dead-letters/replay.ts'
import { checkDatabase } from '../pipeline/check-database.ts'
import { requireSameRules } from '../pipeline/rule-premise.ts'
import type { CommandContext, CommandHost } from './context.ts'
import { tellDiscarded } from './dead-letter-text.ts'
import { registerDiscard } from './discard.ts'
import { countOf, countRows, countText } from './format.ts'
import { exitCode } from './outcome.ts'

interface ListOptions {
  readonly json?: boolean
}

interface ReplayOptions extends ListOptions {
  readonly reason?: string
}

interface Heap {
  count: number
  /** The newest one. */
  example: KeptLetter
}

const exampleLength = 160

export function registerDeadLetters(program: Command, host: CommandHost): void {
  const command = program
    .command('dead-letters')
    .description('what could not be written, by reason and datapoint')
    .option('--json', 'as one JSON document')
    .action((options: ListOptions) =>
      host.runWithConfig((config, context) => listDeadLetters(config, options, context)),
    )
  command
    .command('replay')
    .description('try them once more by the configuration of today, and keep what still fails')
    .option('--reason <reason>', 'only those of this reason')
    .option('--json', 'the receipt as one JSON document')
    .action((_: unknown, replay: Command) =>
      host.runWithConfig((config, context) =>
        replayDeadLetters(config, replay.optsWithGlobals<ReplayOptions>(), context),
      ),
    )
  registerDiscard(command, host)
}

/** What could not be written, by reason and datapoint. */
async function listDeadLetters(config: Config, options: ListOptions, { terminal }: CommandContext): Promise<number> {
  const heaps = new Map<string, Heap>()
  const discards = new Map<string, number>()
  let unreadable = 0
  for (const path of letterFiles(config.deadLetters.path))
    for await (const { letter } of readLetterLines(path)) {
      if (letter === undefined) {
        unreadable++
        continue
      }
      const { reason, gateway, datapoint = '', entries = 1, discarded } = letter
      if (discarded !== undefined) {
        discards.set(discarded.reason, (discards.get(discarded.reason) ?? 0) + entries)
        continue
      }
      const key = JSON.stringify([reason, gateway, datapoint])
      const heap = heaps.get(key)
      if (heap === undefined) heaps.set(key, { count: entries, example: letter })
      else {
        heap.count += entries
        heap.example = letter
      }
    }
  const sorted = [...heaps.values()].sort((a, b) => b.count - a.count)
  const discarded = [...discards].map(([reason, entries]) => ({ reason, entries }))
  if (options.json === true) terminal.out(JSON.stringify({ letters: sorted.map(heapJson), discarded, unreadable }))
  else {
    for (const line of listLines(sorted, unreadable, config.deadLetters.path)) terminal.out(line)
    tellDiscarded({ open: 0, discarded }, terminal)
  }
  return exitCode.done
}

/** Runs them through the rules of today, and keeps only what still fails. */
async function replayDeadLetters(
  config: Config,
  { reason, json }: ReplayOptions,
  { clock, log, signal, terminal }: CommandContext,
): Promise<number> {
  await using opened = new AsyncDisposableStack()
  const app = opened.adopt(await openApp(config, 'dead-letters replay', { clock, log }), it => it.close())
  await checkDatabase(app, signal)
  requireSameRules(ruledGateways(config, undefined), app.ledger, app.sink.id)
  const { reasons, ...counts } = await replayLetters(reason, { ...app, folder: config.deadLetters.path }, signal)
  if (json === true) terminal.out(JSON.stringify({ ...counts, reasons: Object.fromEntries(reasons) }))
  else {
    terminal.out(`${countOf(counts.read, 'dead letter')} read:`)
    const rows: [number, string][] = [
      [counts.written, `written to ${app.sink.label}, every batch acknowledged`],
      [counts.empty, 'empty: by the rules of today there is nothing to write'],
      [counts.others, `of another reason than ${reason}: kept`],
      [counts.discarded, 'more were discarded on purpose: kept as they are'],
      [counts.unreadable, 'more lines cannot be read as letters: kept as they are'],
      [counts.remaining, `still not writable: kept (${[...reasons].map(([word, n]) => `${n} ${word}`).join(', ')})`],
    ]
    for (const line of countRows(rows)) terminal.out(line)
  }
  return counts.remaining + counts.others + counts.unreadable > 0 ? exitCode.missing : exitCode.done
}

function heapJson({ count, example }: Heap) {
  const { reason, gateway, datapoint } = example
  return { reason, gateway, datapoint, count, example }
}

function listLines(heaps: readonly Heap[], unreadable: number, folder: string): string[] {
  const strange =
    unreadable === 0 ? [] : [`${countOf(unreadable, 'line')} in ${folder} cannot be read as dead letters.`]
  if (heaps.length === 0 && unreadable > 0) return strange
  if (heaps.length === 0) return ['There are no dead letters.']
  const total = heaps.reduce((sum, { count }) => sum + count, 0)
  const lines = [`${countOf(total, 'dead letter')} in ${folder}`]
  for (const [reason, own] of Map.groupBy(heaps, ({ example }) => example.reason)) {
    const [first] = own
    lines.push('', `${countText(own.reduce((sum, { count }) => sum + count, 0))}  ${reason}: ${first!.example.detail}`)
    for (const { count, example } of own)
      lines.push(
        `${countText(count).padStart(11)}  ${example.gateway}  ${example.datapoint ?? '(datapoint not known)'}`,
      )
    const { raw, point, after, until } = first!.example
    lines.push(`${''.padStart(13)}e.g. ${shortened(raw ?? JSON.stringify(point) ?? 'not known here')}`)
    lines.push(`${''.padStart(13)}asked for as ${after} … ${until}`)
  }
  return [
    ...lines,
    ...strange,
    '',
    'After fixing the cause: smartserver-etl dead-letters replay',
    'To give them up:        smartserver-etl dead-letters discard --reason "why"',
  ]
}

function shortened(text: string): string {
  return text.length > exampleLength ? `${text.slice(0, exampleLength)}…` : text
}
