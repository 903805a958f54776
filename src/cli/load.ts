import { resolve } from 'node:path'
import type { Command } from 'commander'
import { openApp } from '../app.ts'
import type { Config } from '../config/config.ts'
import { joinLetterCounts } from '../dead-letters/letter-index.ts'
import { checkDatabase } from '../pipeline/check-database.ts'
import { loadBundle } from '../pipeline/load-bundle.ts'
import { readManifest } from '../sinks/bundle/manifest.ts'
import type { CommandContext, CommandHost } from './context.ts'
import { lettersJson, notWritten, tellDiscarded } from './dead-letter-text.ts'
import { countOf, countRows, countText, tookText } from './format.ts'
import { exitCode } from './outcome.ts'
import { loadWords } from './preflight.ts'
import type { Terminal } from './terminal.ts'

interface LoadOptions {
  readonly json?: boolean
  readonly trust?: boolean
}

export function registerLoad(program: Command, host: CommandHost): void {
  program
    .command('load')
    .description('bring a bundle (sink.bundle) into the configured database')
    .argument('<folder>', 'the bundle')
    .option('--json', 'the receipt as one JSON document')
    .option('--trust', 'record as complete also where the bundle has no entry of a datapoint')
    .action((folder: string, options: LoadOptions) =>
      host.runWithConfig((config, context) => load(config, folder, options, context)),
    )
}

/** Brings a bundle into the configured database. */
async function load(
  config: Config,
  folder: string,
  options: LoadOptions,
  { terminal, clock, log, signal, cwd }: CommandContext,
): Promise<number> {
  const path = resolve(cwd, folder)
  const { count, spans, faults } = readManifest(path, clock.now())
  await using opened = new AsyncDisposableStack()
  const app = opened.adopt(await openApp(config, 'load', { clock, log }), it => it.close())
  opened.defer(() => terminal.live(''))
  const report = await checkDatabase(app, signal)
  const begin = Math.min(...[...spans.values()].map(({ after }) => after))
  const words = loadWords(app.sink.label, report, begin, clock.now())
  if (options.json !== true) for (const word of words) terminal.say(word)
  const observe = (done: number) => terminal.live(`loading ${countText(done + 1)} of ${countText(count)} ranges …`)
  const askedHere = new Set(options.trust === true ? [] : config.gateways.map(({ name }) => name))
  const { loaded, known, unbelieved, receipt } = await loadBundle(path, app, { askedHere }, observe, signal)
  terminal.live('')
  // before it is called loaded: does the database still hold it?
  const finding = await app.database.confirm(signal)
  words.push(...finding.words)
  if (options.json !== true) for (const word of finding.words) terminal.say(word)
  const isLost = finding.isShort || finding.words.length > 0
  const letters = joinLetterCounts([...spans].map(([name, range]) => app.deadLetters.count([name], range)))
  const { received, duplicate, written, rejected, tookMs } = receipt
  if (options.json === true)
    terminal.out(
      JSON.stringify({
        ...{ loaded, known, unbelieved, received, duplicate, written, rejected, tookMs },
        ...lettersJson(letters),
        ...(faults.length > 0 && { faults }),
        ...(words.length > 0 && { warnings: words }),
      }),
    )
  else {
    terminal.out(
      `${countOf(loaded, 'range')} loaded, ${countText(known)} complete already; ${countOf(received, 'line')}, ${tookText(tookMs)}${received === 0 ? '.' : ':'}`,
    )
    const rows: [number, string][] = [
      [written, `written to ${app.sink.label}, every batch acknowledged`],
      [duplicate, 'duplicate: corrections of lines before them'],
      [rejected, 'rejected: kept as dead letters'],
    ]
    for (const line of countRows(rows)) terminal.out(line)
    if (letters.open > 0) terminal.out(`${notWritten(letters.open, 'the time of the bundle')}`)
    tellDiscarded(letters, terminal)
  }
  if (options.json !== true) tellMissing(folder, unbelieved, faults, terminal)
  return isLost || letters.open > 0 || faults.length > 0 || unbelieved > 0 ? exitCode.missing : exitCode.done
}

function tellMissing(folder: string, unbelieved: number, faults: readonly string[], terminal: Terminal): void {
  if (unbelieved > 0) {
    terminal.say(
      `In ${countOf(unbelieved, 'range')} the bundle has no entry of some datapoints. That is not recorded as complete, because this configuration can ask the gateway itself.`,
    )
    terminal.say(
      '  The next run asks for these ranges. Where the gateway is out of reach from here: load with --trust.',
    )
  }
  for (const fault of faults) terminal.say(`${folder}: ${fault}`)
  if (faults.length > 0)
    terminal.say('  Not all of the bundle was loaded: copy it again, or pack what is missing once more.')
}
