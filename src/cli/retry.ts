import { type App, findGateway, openApp } from '../app.ts'
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
    if (options.json !== true && !hasParked(config, options.gateway, app)) {
      terminal.out('Nothing is parked.')
      return exitCode.done
    }
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
    else tellOutcome(outcome, app.sink.label, terminal)
    return exitCodeOf(outcome)
  } finally {
    progress.close()
    await app.close()
  }
}

/** Asks the ledger alone: a gateway that is away must not be knocked at for nothing. */
function hasParked(config: Config, only: string | undefined, { ledger, sink }: App): boolean {
  return config.gateways
    .filter(({ name }) => only === undefined || name === only)
    .some(({ name, datapoints }) =>
      datapoints.some(({ selector }) => ledger.parked({ sink: sink.id, gateway: name }, selector).length > 0),
    )
}
