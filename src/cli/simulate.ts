import type { ReleaseName } from '../simulator/releases.ts'
import { startSimulator } from '../simulator/simulator.ts'
import type { CommandContext } from './context.ts'
import { exitCode } from './outcome.ts'
import { parseTime } from './times.ts'

export interface SimulateOptions {
  readonly host: string
  readonly port: number
  readonly username: string
  readonly password: string
  readonly seed: number
  readonly devices: number
  readonly interval: number
  readonly historyStart: string
  readonly secondsPerRequest: number
  readonly entriesPerSecond: number
  readonly release: ReleaseName
}

/** A gateway without hardware, until it is told to stop. */
export async function simulate(options: SimulateOptions, { terminal, clock, signal }: CommandContext): Promise<number> {
  const { historyStart, secondsPerRequest, entriesPerSecond, ...rest } = options
  const simulator = await startSimulator({
    ...rest,
    now: clock.now,
    historyStart: parseTime(historyStart, '--history-start', clock.now()),
    cost: { secondsPerRequest, entriesPerSecond },
  })
  const { url, fingerprint256, history } = simulator
  const [first] = history.datapoints
  terminal.out(`A simulated SmartServer with ${history.datapoints.length} datapoints listens at ${url}. For the configuration:

gateways:
  simulated:
    url: ${url}
    username: ${options.username}
    password: ${options.password}
    tls: { fingerprint256: "${fingerprint256}" }
    datapoints:
      - ${first === undefined ? '*/*/*/*' : `${first.device}/${first.block}/${first.index}/${first.name ?? first.xif}`}

Ctrl-C stops it.`)
  await new Promise<void>(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))
  await simulator.close()
  return exitCode.done
}
