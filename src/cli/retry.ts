import { findGateway, openApp } from '../app.ts'
import type { Config } from '../config/schema.ts'
import type { CommandContext } from './context.ts'
import { exitCode, exitCodeOf, outcomeJson, tellOutcome } from './outcome.ts'
import { Progress } from './progress.ts'

export interface RetryOptions {
  readonly gateway?: string
  readonly json?: boolean
}

/** Tries parked ranges again, now, and nothing else. */
export async function retry(config: Config, options: RetryOptions, context: CommandContext): Promise<number> {
  const { terminal, clock, signal, log } = context
  if (options.gateway !== undefined) findGateway(config, options.gateway)
  const app = await openApp(config, 'retry', { clock, log })
  const progress = new Progress(terminal, clock)
  try {
    await app.sink.check(signal)
    const wish = {
      wanted: (gatewayNow: number) => ({ after: 0, until: gatewayNow }),
      secondLookMs: 0,
      newestFirst: false,
      parkedRestMs: 0,
      parkedOnly: true,
      deadline: undefined,
    }
    const outcome = await app.run(wish, options.gateway, progress.observe, signal)
    progress.close()
    if (options.json === true) terminal.out(outcomeJson(outcome))
    else if (outcome.requests === 0 && exitCodeOf(outcome) === exitCode.done) terminal.out('Nothing is parked.')
    else tellOutcome(outcome, app.sink.label, terminal)
    return exitCodeOf(outcome)
  } finally {
    progress.close()
    await app.close()
  }
}
