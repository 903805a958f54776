import { existsSync, writeFileSync } from 'node:fs'
import type { Command } from 'commander'
import { findGateway } from '../app.ts'
import type { Config } from '../config/config.ts'
import { durationText } from '../domain/duration.ts'
import type { Failure } from '../domain/failure.ts'
import { isoText } from '../domain/instant.ts'
import { visible } from '../domain/visible.ts'
import {
  type Device,
  discoverLogged,
  type LoggedDatapoint,
  type LogLevel,
  readDevices,
} from '../smartserver/discovery.ts'
import type { CommandContext, CommandHost } from './context.ts'
import { datapointYaml } from './datapoint-yaml.ts'
import { commandFailure } from './failures.ts'
import { countOf } from './format.ts'
import { openInteractive } from './inspection.ts'
import { exitCode } from './outcome.ts'
import { usageFailure } from './parse-time.ts'

interface DiscoverOptions {
  readonly device?: string
  readonly datapoint?: string
  readonly write?: string
  readonly force?: boolean
}

export function registerDiscover(program: Command, host: CommandHost): void {
  program
    .command('discover')
    .description('list what a gateway logs, ready for the configuration')
    .argument('<gateway>', 'its name in the configuration')
    .option('--device <glob>', 'only devices with such a name, as "Sensor*"')
    .option('--datapoint <glob>', 'only datapoints with such a name, as "nvoLux*" or "LightSensor/*"')
    .option('--write <file>', 'write the list to this new file')
    .option('--force', 'overwrite the file of --write')
    .action((name: string, options: DiscoverOptions) =>
      host.runWithConfig((config, context) => discover(config, name, options, context)),
    )
}

/** Lists what a gateway logs, ready for the configuration. */
async function discover(
  config: Config,
  name: string,
  options: DiscoverOptions,
  context: CommandContext,
): Promise<number> {
  const { terminal, clock, signal } = context
  const chosen = findGateway(config, name)
  // before the discovery, which may take minutes: writing finds out again
  if (options.write !== undefined && options.force !== true && existsSync(options.write))
    throw fileExists(options.write)
  await using opened = new AsyncDisposableStack()
  const gateway = opened.adopt(openInteractive(chosen, context), it => it.close())
  opened.defer(() => terminal.live(''))
  await gateway.hello(signal)
  const wanted = globPattern(options.device ?? '*')
  const all = await readDevices(gateway, signal)
  const devices = all.filter(device => wanted.test(device.name))
  const found: LoggedDatapoint[] = []
  const isWanted = datapointFilter(options.datapoint)
  for await (const datapoint of discoverLogged(gateway, devices, signal)) {
    if (!isWanted(datapoint)) continue
    found.push(datapoint)
    terminal.live(`${countOf(found.length, 'datapoint')} so far, at ${datapoint.device.name}`)
  }
  terminal.live('')
  const about = `${name}, release ${gateway.release ?? 'unknown'}, ${isoText(clock.now()).slice(0, 16)}Z`
  const lines = listLines(found, twins(all), about)
  if (options.write === undefined) terminal.out(...lines)
  else {
    writeList(options.write, lines, options.force === true)
    terminal.say(`${countOf(found.length, 'datapoint')} written to ${options.write}`)
  }
  return found.length > 0 ? exitCode.done : exitCode.missing
}

/** Fits either name of a datapoint, or `block/index/name`. */
function datapointFilter(glob: string | undefined): (datapoint: LoggedDatapoint) => boolean {
  if (glob === undefined) return () => true
  const pattern = globPattern(glob)
  return ({ block, index, name, xif }) => [name, xif, `${block}/${index}/${name}`].some(text => pattern.test(text))
}

function twins(devices: readonly Device[]): ReadonlySet<string> {
  const byName = Map.groupBy(devices, device => device.name)
  return new Set([...byName].filter(([, { length }]) => length > 1).map(([name]) => name))
}

function listLines(found: readonly LoggedDatapoint[], twinNames: ReadonlySet<string>, about: string): string[] {
  const devices = Map.groupBy(found, ({ device }) => device.id)
  const lines = [
    `# ${countOf(found.length, 'logged datapoint')} on ${countOf(devices.size, 'device')} of ${about}`,
    found.length === 0 ? 'datapoints: []' : 'datapoints:',
  ]
  for (const datapoints of devices.values()) {
    const { name, type, health } = datapoints[0]!.device
    lines.push(`  # ${name}${type === undefined ? '' : ` (${type})`}${health === 'down' ? ', down' : ''}`)
    const items = datapoints.map(datapoint => datapointYaml(datapoint, twinNames.has(name)))
    const width = Math.max(...items.map(item => item?.length ?? 0))
    for (const [i, datapoint] of datapoints.entries()) {
      const item = items[i]
      const { block, index, name: pointName } = datapoint
      lines.push(
        item === undefined
          ? `  # cannot be named here: ${block}/${index}/${pointName}`
          : `  - ${item.padEnd(width)} # ${remark(datapoint)}`,
      )
    }
  }
  return lines.map(visible)
}

/** `every 5m for 14d, 1h for 60d; lx`. */
function remark({ levels, name, xif, unit }: LoggedDatapoint): string {
  const logged = levels.length === 0 ? 'intervals not reported' : levels.map(levelText).join(', ')
  return [logged, ...(name === xif ? [] : [`XIF name ${xif}`]), ...(unit === undefined ? [] : [unit])].join('; ')
}

function levelText({ interval, retention }: LogLevel): string {
  const every = interval === 0 ? 'every update' : `every ${durationText(interval * 1000)}`
  return retention === undefined ? every : `${every} for ${retention}d`
}

function writeList(file: string, lines: readonly string[], force: boolean): void {
  try {
    writeFileSync(file, lines.map(line => `${line}\n`).join(''), { flag: force ? 'w' : 'wx' })
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'EEXIST') throw fileExists(file)
    throw commandFailure('cannot-write', `${file} cannot be written (${String(code)})`, { cause: error })
  }
}

function fileExists(file: string): Failure {
  return usageFailure(`${file} exists already`, 'Name another file, or overwrite it with --force.')
}

/** `*` for any text, `?` for one sign, all else as it is; upper and lower case are the same. */
function globPattern(glob: string): RegExp {
  const source = glob
    .replace(/[\\^$.|+()[\]{}]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
  return new RegExp(`^${source}$`, 'isu')
}
