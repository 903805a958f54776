import { type Command, InvalidArgumentError, Option } from 'commander'
import { parseDuration } from '../config/duration.ts'
import { type Faults, faultMeanings, noFaults } from '../simulator/faults.ts'
import { type Habits, habitMeanings, usualHabits } from '../simulator/habits.ts'
import { noOddities, type Oddities, oddityMeanings } from '../simulator/oddities.ts'
import { type ReleaseName, releases } from '../simulator/releases.ts'
import { readHabit, readKnob, toNumber } from './knobs.ts'

/** What the command line says; what it leaves out comes from the file of `options`, then from the simulator. */
export interface SimulatorFlags {
  readonly options?: string
  readonly replay?: string
  readonly csv?: string
  readonly host?: string
  readonly port?: number
  readonly username?: string
  readonly password?: string
  readonly seed?: number
  readonly devices?: number
  readonly interval?: number
  readonly historyStart?: string
  readonly retention?: number
  readonly fractionDigits?: number
  readonly release?: ReleaseName
  readonly zone?: string
  readonly clockSkew?: number
  readonly sessionTimeout?: number
  readonly maxLogSockets?: number
  readonly requestsPerSecond?: number
  readonly secondsPerRequest?: number
  readonly entriesPerSecond?: number
  readonly fault?: Faults
  readonly oddity?: Oddities
  readonly set?: Habits
}

/** The flags of `simulate`, and in its help every fault, oddity and habit with default and meaning. */
export function addSimulatorFlags(command: Command): Command {
  const recorded = ['devices', 'interval', 'historyStart', 'fractionDigits', 'oddity']
  return command
    .option('--options <file>', 'YAML with any option of src/simulator/options.ts by its name; flags have precedence')
    .addOption(
      new Option('--replay <file>', 'serve what "capture" recorded, with the habits of its release').conflicts([
        'csv',
        ...recorded,
      ]),
    )
    .addOption(
      new Option('--csv <file>', 'serve a CSV file with the columns time,device,block,index,datapoint,value').conflicts(
        recorded,
      ),
    )
    .option('--host <address>', 'address to listen on (default: 127.0.0.1)')
    .option('--port <port>', 'port to listen on; 0 takes a free one (default: 8443)', toNumber)
    .option('--username <name>', 'login (default: etl)')
    .option('--password <password>', 'password (default: secret)')
    .option('--seed <number>', 'same seed, same history (default: 1)', toNumber)
    .option('--devices <count>', 'devices, with two or three datapoints each (default: 40)', toNumber)
    .option('--interval <seconds>', 'base interval of the log (default: 300)', toNumber)
    .option('--history-start <time>', 'nothing older is logged: ISO 8601 or a duration back from now (default: 400d)')
    .option('--retention <duration>', 'older entries are pruned as time goes on (default: never)', duration)
    .option('--fraction-digits <count>', 'of times, 0 to 9 (default: 3)', toNumber)
    .addOption(new Option('--release <release>', 'whose habits to show (default: 4.10)').choices(Object.keys(releases)))
    .option('--zone <name>', 'time zone of the gateway (default: America/Los_Angeles)')
    .option('--clock-skew <duration>', "what its clock is ahead of this machine's; -5m: behind (default: 0)", signed)
    .option('--session-timeout <duration>', 'life of a login (default: 24h)', duration)
    .option(
      '--max-log-sockets <count>',
      'data-log sockets at once, more are refused with 503 (default: no limit)',
      toNumber,
    )
    .option('--requests-per-second <count>', 'REST calls, more are refused with 429 (default: no limit)', toNumber)
    .option('--seconds-per-request <seconds>', 'what a log request costs (default: 0)', toNumber)
    .option('--entries-per-second <count>', 'how fast entries are delivered (default: no limit)', toNumber)
    .option('--fault <name=value>', 'misbehaviour, see below; may be repeated', readKnob('faults', noFaults))
    .option('--oddity <name=value>', 'strange data, see below; may be repeated', readKnob('oddities', noOddities))
    .option('--set <name=value>', 'a habit, see below; may be repeated', readHabit)
    .addHelpText('after', () =>
      [
        manual(
          'Faults, --fault noEnd=0.2: how requests are mistreated. From 0, never, to 1, always, if no unit is named.',
          faultMeanings,
          noFaults,
          command,
        ),
        manual(
          'Oddities, --oddity late=0.3: what is strange in the log itself. Likewise.',
          oddityMeanings,
          noOddities,
          command,
        ),
        manual(
          'Habits, --set expiredAnswer=redirect, --set accounts.NAME=PASSWORD: what the documents leave open, decided.',
          habitMeanings,
          usualHabits,
          command,
        ),
      ].join(''),
    )
}

function manual(title: string, meanings: Readonly<Record<string, string>>, defaults: object, command: Command): string {
  const usual = defaults as Readonly<Record<string, unknown>>
  const help = command.createHelp()
  help.helpWidth = process.stdout.columns ?? 100
  const width = Math.max(...Object.keys(meanings).map(name => name.length))
  const lines = Object.entries(meanings).map(([name, meaning]) =>
    help.formatItem(name, width, `${meaning} (default: ${defaultText(usual[name])})`, help),
  )
  return `\n${title}\n${lines.join('\n')}\n`
}

function defaultText(value: unknown): string {
  if (Array.isArray(value)) return value.join(',')
  return typeof value === 'object' ? 'none' : String(value)
}

function duration(text: string): number {
  const value = parseDuration(text)
  if (value === undefined) throw new InvalidArgumentError('A duration is needed, as 500ms, 5m or 1h30m.')
  return value
}

function signed(text: string): number {
  return text.startsWith('-') ? -duration(text.slice(1)) : duration(text)
}
