import { resolve } from 'node:path'
import { openApp } from '../app.ts'
import type { Config } from '../config/config.ts'
import { joinLetterCounts } from '../dead-letters/letter-index.ts'
import type { TimeRange } from '../domain/range.ts'
import { checkDatabase } from '../pipeline/check-database.ts'
import { loadBundle } from '../pipeline/load-bundle.ts'
import { readManifest } from '../sinks/bundle/manifest.ts'
import type { CommandContext } from './context.ts'
import { lettersJson, notWritten, tellDiscarded } from './dead-letter-text.ts'
import { countOf, countRows, countText, tookText } from './format.ts'
import { exitCode } from './outcome.ts'
import { loadWords } from './preflight.ts'

/** Of each gateway, from the earliest to the latest of its ranges. */
function heldBy(folder: string): Map<string, TimeRange> {
  const held = new Map<string, TimeRange>()
  for (const { gateway, after, until } of readManifest(folder).entries) {
    const known = held.get(gateway) ?? { after, until }
    held.set(gateway, { after: Math.min(known.after, after), until: Math.max(known.until, until) })
  }
  return held
}

/** Brings a bundle into the configured database. */
export async function load(
  config: Config,
  folder: string,
  options: { json?: boolean },
  { terminal, clock, log, signal, cwd }: CommandContext,
): Promise<number> {
  const app = await openApp(config, 'load', { clock, log })
  try {
    const report = await checkDatabase(app, signal)
    const held = heldBy(resolve(cwd, folder))
    const begin = Math.min(...[...held.values()].map(({ after }) => after))
    const words = loadWords(app.sink.label, report, begin, clock.now())
    if (options.json !== true) for (const word of words) terminal.say(word)
    const observe = (done: number, total: number) =>
      terminal.live(`loading ${countText(done + 1)} of ${countText(total)} ranges …`)
    const { loaded, known, faults, receipt } = await loadBundle(resolve(cwd, folder), app, observe, signal)
    terminal.live('')
    const letters = joinLetterCounts([...held].map(([name, range]) => app.deadLetters.count([name], range)))
    const { received, duplicate, written, rejected, tookMs } = receipt
    if (options.json === true)
      terminal.out(
        JSON.stringify({
          ...{ loaded, known, received, duplicate, written, rejected, tookMs },
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
    if (options.json !== true && faults.length > 0) {
      for (const fault of faults) terminal.say(`${folder}: ${fault}`)
      terminal.say('  Not all of the bundle was loaded: copy it again, or pack what is missing once more.')
    }
    return letters.open > 0 || faults.length > 0 ? exitCode.missing : exitCode.done
  } finally {
    terminal.live('')
    await app.close()
  }
}
