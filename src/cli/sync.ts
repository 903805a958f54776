import { openApp } from '../app.ts'
import { durationText } from '../config/duration.ts'
import type { Config } from '../config/schema.ts'
import { syncForever, syncOnce } from '../service/sync.ts'
import type { CommandContext } from './context.ts'
import { exitCode, exitCodeOf } from './outcome.ts'

/** Keeps the database current: now, and then on schedule until told to stop. */
export async function sync(config: Config, options: { once?: boolean }, context: CommandContext): Promise<number> {
  const { clock, log, signal } = context
  const app = await openApp(config, 'sync', { clock, log })
  const parts = { run: app.run, clock, log }
  try {
    if (options.once === true) return exitCodeOf(await syncOnce(config.sync, parts, {}, signal))
    const { length } = config.gateways
    log.info({ gateways: length, sink: app.sink.label, every: durationText(config.sync.every) }, 'sync started')
    const names = config.gateways.map(({ name }) => name)
    await syncForever(names, config.sync, parts, signal)
    log.info('sync stopped')
    return exitCode.done
  } finally {
    await app.close()
  }
}
