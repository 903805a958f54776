import { readTextFile } from '../config/text-file.ts'
import { readYaml } from '../config/yaml.ts'
import type { Failure } from '../domain/failure.ts'
import { loadCsv } from '../simulator/csv.ts'
import type { Habits } from '../simulator/habits.ts'
import {
  costSchema,
  fillOptions,
  type PlainOptions,
  readOptions,
  type SimulatorOptions,
  siteSchema,
} from '../simulator/options.ts'
import { releaseOf } from '../simulator/releases.ts'
import { loadCapture } from '../simulator/replay.ts'
import type { CommandContext } from './context.ts'
import { parseTime, usageFailure } from './parse-time.ts'
import { commandDefaults, flagOf, type SimulatorFlags } from './simulator-flags.ts'

type Context = Pick<CommandContext, 'clock' | 'env'>

/** Flags, what they leave out from the options file, what that leaves out from a recording. Throws a usage Failure. */
export async function readSimulatorOptions(flags: SimulatorFlags, context: Context): Promise<SimulatorOptions> {
  const now = context.clock.now
  const recording = await loadRecording(flags)
  const file = flags.options === undefined ? {} : readFile(flags.options, context)
  const isDated = recording.source !== undefined || file.historyStart !== undefined
  const start = flags['historyStart'] ?? (isDated ? undefined : commandDefaults.historyStart)
  const options = {
    port: commandDefaults.port,
    ...recording,
    ...file,
    ...given(siteSchema.shape, flags),
    ...added({ ...file }, flags.set),
    ...(start === undefined ? {} : { historyStart: parseTime(String(start), '--history-start', now()) }),
    cost: { ...file.cost, ...given(costSchema.shape, flags) },
    faults: { ...file.faults, ...flags.fault },
    oddities: { ...file.oddities, ...flags.oddity },
    now,
  }
  checked(() => fillOptions(options))
  return options
}

/** The flags of these options that are given. */
function given(shape: object, flags: SimulatorFlags): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.keys(shape).flatMap(name => {
      const value = flags[flagOf(name)]
      return value === undefined ? [] : [[name, value]]
    }),
  )
}

/** A mapping is added to the mapping in the file, as the faults are; another habit stands in its place. */
function added(file: Readonly<Record<string, unknown>>, set: Habits = {}): Habits {
  return Object.fromEntries(
    Object.entries(set).map(([name, value]) => [
      name,
      typeof value === 'object' ? { ...(file[name] as object), ...value } : value,
    ]),
  )
}

/** The options of a YAML file; `historyStart` may be a time as on the command line. */
function readFile(file: string, { clock, env }: Context): PlainOptions {
  const { text, fault } = readTextFile(file)
  if (text === undefined) throw usageFailure(`${file}: ${fault}`)
  const { value, problems } = readYaml(file, text.replace(/^\ufeff/, ''), env)
  const [problem] = problems
  if (problem !== undefined) throw usageFailure(`${file}:${problem.line}:${problem.column}: ${problem.message}`)
  const start = memberOf(value, 'historyStart')
  const dated =
    typeof start === 'string'
      ? { ...(value as object), historyStart: parseTime(start, `${file}: historyStart`, clock.now()) }
      : value
  return checked(() => readOptions(dated), file)
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined
}

async function loadRecording({ replay, csv }: SimulatorFlags): Promise<Pick<SimulatorOptions, 'source' | 'release'>> {
  if (csv !== undefined)
    return { source: await loadCsv(csv).catch((error: unknown) => Promise.reject(unreadable(csv, error))) }
  if (replay === undefined) return {}
  const { header, history } = await loadCapture(replay).catch((error: unknown) =>
    Promise.reject(unreadable(replay, error)),
  )
  const { release } = header
  return { source: history, ...(typeof release === 'string' ? { release: releaseOf(release) } : {}) }
}

function checked<T>(check: () => T, file?: string): T {
  try {
    return check()
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw usageFailure(file === undefined ? error.message : `${file}: ${error.message}`)
  }
}

function unreadable(file: string, error: unknown): Failure {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === undefined) return usageFailure(`${file}: ${message}`)
  return usageFailure(`${file}: ${code === 'ENOENT' ? 'there is no such file' : `cannot be read (${code})`}`)
}
