import { type Command, Option } from 'commander'
import type { z } from 'zod'
import { durationText } from '../domain/duration.ts'
import { type Faults, faultSchema } from '../simulator/faults.ts'
import { type Habits, habitSchema } from '../simulator/habits.ts'
import { type Oddities, odditySchema } from '../simulator/oddities.ts'
import { costSchema, siteSchema } from '../simulator/options.ts'
import { formOf, readDuration, readMember, readNumber, type Shape, usualOf } from './option-text.ts'

/** What the command line says; what it leaves out comes from the file of `options`, then from the simulator. */
export interface SimulatorFlags {
  readonly options?: string
  readonly replay?: string
  readonly csv?: string
  readonly fault?: Faults
  readonly oddity?: Oddities
  readonly set?: Habits
  /** The flags of the site and of what requests cost, by their names in `flagOf`. */
  readonly [flag: string]: unknown
}

/** What a user of the command means where the simulator itself has another default. */
export const commandDefaults = { port: 8443, historyStart: '400d' }

/** Names a flag's value in the help. */
const units: Readonly<Record<string, string>> = { interval: 'seconds', historyStart: 'time' }

/** The flags of `simulate`, and in its help every fault, oddity and habit with default and meaning: all from the schema. */
export function addSimulatorFlags(command: Command): Command {
  const recorded = ['devices', 'interval', 'historyStart', 'fractionDigits', 'oddity']
  command
    .option('--options <file>', 'YAML with any option by its name in docs/simulator.md; flags have precedence')
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
  for (const [name, schema] of Object.entries({ ...siteSchema.shape, ...costSchema.shape }))
    command.addOption(flagFor(name, schema))
  return command
    .option('--fault <name=value>', 'misbehaviour, see below; may be repeated', readMember(faultSchema, 'faults.'))
    .option('--oddity <name=value>', 'strange data, see below; may be repeated', readMember(odditySchema, 'oddities.'))
    .option('--set <name=value>', 'a habit, see below; may be repeated', readMember(habitSchema, ''))
    .addHelpText('after', () =>
      [
        manual(
          'Faults, --fault noEnd=0.2: how the gateway misbehaves. From 0, never, to 1, always.',
          faultSchema,
          command,
        ),
        manual('Oddities, --oddity late=0.3: what is strange in the log itself. From 0 to 1.', odditySchema, command),
        manual(
          'Habits, --set expiredAnswer=redirect, --set accounts.NAME=PASSWORD: what the documents leave open.',
          habitSchema,
          command,
        ),
      ].join(''),
    )
}

/** `sessionTimeoutMs` is the flag --session-timeout, whose value is a duration. */
export function flagOf(name: string): string {
  return name.replace(/Ms$/, '')
}

function flagFor(name: string, schema: z.ZodType): Option {
  const long = flagOf(name).replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)
  const isDuration = name.endsWith('Ms')
  const form = formOf(schema)
  const unit = units[name] ?? (isDuration ? 'duration' : form === 'number' ? 'number' : 'text')
  const own = (commandDefaults as Readonly<Record<string, unknown>>)[name] ?? usualOf(schema)
  const usual = isDuration && typeof own === 'number' ? durationText(own) : own
  const meaning = schema.description
    ?.replace(/, ms\b/, '')
    .replace(/ UTC; without it .*/, ': a time or a duration back from now')
  const note = usual === undefined ? '' : ` (default: ${usual})`
  const option = new Option(`--${long} <${unit}>`, `${meaning}${note}`)
  if (isDuration) return option.argParser(readDuration)
  return form === 'number' && unit !== 'time' ? option.argParser(readNumber) : option
}

function manual(title: string, { shape }: { readonly shape: Shape }, command: Command): string {
  const help = command.createHelp()
  help.helpWidth = process.stdout.columns ?? 100
  const width = Math.max(...Object.keys(shape).map(name => name.length))
  const lines = Object.entries(shape).map(([name, schema]) =>
    help.formatItem(name, width, `${schema.description} (default: ${usualText(schema)})`, help),
  )
  return `\n${title}\n${lines.join('\n')}\n`
}

function usualText(schema: z.ZodType): string {
  const usual = usualOf(schema)
  if (Array.isArray(usual)) return usual.join(',')
  return typeof usual === 'object' ? 'none' : String(usual)
}
