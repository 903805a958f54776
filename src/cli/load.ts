import { resolve } from 'node:path'
import { openApp } from '../app.ts'
import type { Config } from '../config/schema.ts'
import type { CommandContext } from './context.ts'
import { countOf, countText, tookText } from './figures.ts'
import { exitCode } from './outcome.ts'

/** Brings a suitcase into the configured database. */
export async function load(
  config: Config,
  folder: string,
  options: { json?: boolean },
  { terminal, clock, log, signal, cwd }: CommandContext,
): Promise<number> {
  const app = await openApp(config, 'load', { clock, log })
  try {
    await app.prepare(signal)
    const observe = (done: number, total: number) =>
      terminal.live(`loading ${countText(done + 1)} of ${countText(total)} ranges …`)
    const { loaded, known, receipt } = await app.load(resolve(cwd, folder), observe, signal)
    terminal.live('')
    const { received, duplicate, written, rejected, tookMs } = receipt
    if (options.json === true)
      terminal.out(JSON.stringify({ loaded, known, received, duplicate, written, rejected, tookMs }))
    else {
      terminal.out(
        `${countOf(loaded, 'range')} loaded, ${countText(known)} complete already; ${countOf(received, 'line')}, ${tookText(tookMs)}${received === 0 ? '.' : ':'}`,
      )
      const rows: [number, string][] = [
        [written, `written to ${app.sink.label}, every batch acknowledged`],
        [duplicate, 'duplicate: corrections of lines before them'],
        [rejected, 'rejected: kept as dead letters'],
      ]
      for (const [count, words] of rows) if (count > 0) terminal.out(`  ${countText(count).padStart(11)}  ${words}`)
    }
    return rejected > 0 ? exitCode.missing : exitCode.done
  } finally {
    terminal.live('')
    await app.close()
  }
}
