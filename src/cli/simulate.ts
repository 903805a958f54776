import type { Command } from 'commander'
import type { Failure } from '../domain/failure.ts'
import { fillOptions, siteSchema } from '../simulator/options.ts'
import { type Simulator, startSimulator } from '../simulator/simulator.ts'
import type { CommandContext, CommandHost } from './context.ts'
import { datapointYaml, yamlText } from './datapoint-yaml.ts'
import { commandFailure } from './failures.ts'
import { usualOf } from './option-text.ts'
import { exitCode } from './outcome.ts'
import { addSimulatorFlags, type SimulatorFlags } from './simulator-flags.ts'
import { readSimulatorOptions } from './simulator-options.ts'

export function registerSimulate(program: Command, host: CommandHost): void {
  const command = program.command('simulate').description('a simulated gateway by itself')
  addSimulatorFlags(command).action((flags: SimulatorFlags) => host.run(context => simulate(flags, context)))
}

/** A gateway without hardware, until it is stopped. */
async function simulate(flags: SimulatorFlags, context: CommandContext): Promise<number> {
  const { terminal, signal } = context
  const options = await readSimulatorOptions(flags, context)
  const { username, password } = fillOptions(options)
  await using opened = new AsyncDisposableStack()
  const starting = startSimulator(options).catch((error: unknown) => {
    throw isSystemError(error) ? cannotListen(error) : error
  })
  const simulator = opened.adopt(await starting, it => it.close())
  if (password === usualOf(siteSchema.shape.password) && !isLoopback(options.host))
    terminal.say(
      `The simulator listens at ${options.host}, not for this machine alone, with its default password. Set --password.`,
    )
  terminal.out(
    `A simulated SmartServer with ${simulator.history.datapoints.length} datapoints listens at ${simulator.url}. For the configuration:`,
    '',
    'gateways:',
    '  simulated:',
    `    url: ${simulator.url}`,
    `    username: ${yamlText(username)}`,
    `    password: ${yamlText(password)}`,
    `    tls: { fingerprint256: "${simulator.fingerprint256}" }`,
    '    datapoints:',
    `      - ${firstDatapoint(simulator)}`,
    '',
    'Ctrl-C stops it.',
  )
  if (!signal.aborted)
    await new Promise<void>(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))
  return exitCode.done
}

function isLoopback(host = '127.0.0.1'): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.')
}

function firstDatapoint({ history }: Simulator): string {
  const [first] = history.datapoints
  if (first === undefined) return '"*/*/*/*"'
  const { device, deviceId, block, index, name, xif } = first
  const named = { device: { id: String(deviceId), name: device }, block, index, name: name ?? xif }
  return datapointYaml(named, false) ?? '"*/*/*/*"'
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error
}

/** A port in use, an address of another machine: nothing wrong with the program. */
function cannotListen(error: NodeJS.ErrnoException): Failure {
  return commandFailure('cannot-listen', `the simulator cannot listen: ${error.message}`, { cause: error })
}
