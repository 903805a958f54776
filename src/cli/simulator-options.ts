import { readFileSync } from 'node:fs'
import { readYaml } from '../config/yaml.ts'
import type { Failure } from '../domain/failure.ts'
import { loadCsv } from '../simulator/csv.ts'
import type { Habits } from '../simulator/habits.ts'
import { checkOptions } from '../simulator/option-checks.ts'
import type { SimulatorOptions } from '../simulator/options.ts'
import { releaseOf } from '../simulator/releases.ts'
import { loadCapture } from '../simulator/replay.ts'
import { readOptions } from '../simulator/settings.ts'
import type { CommandContext } from './context.ts'
import type { SimulatorFlags } from './simulator-flags.ts'
import { parseTime, usageFailure } from './times.ts'

type Context = Pick<CommandContext, 'clock' | 'env'>

/** Flags, what they leave out from the options file, what that leaves out from a recording. Throws a usage Failure. */
export async function readSimulatorOptions(flags: SimulatorFlags, context: Context): Promise<SimulatorOptions> {
  const now = context.clock.now
  const recording = await loadRecording(flags)
  const file = flags.options === undefined ? {} : readFile(flags.options, context)
  const isDated = recording.source !== undefined || file.historyStart !== undefined
  const from = flags.historyStart ?? (isDated ? undefined : '400d')
  const historyStart = from === undefined ? {} : { historyStart: parseTime(from, '--history-start', now()) }
  const options = { port: 8443, ...recording, ...file, ...givenBy(flags, file), ...historyStart, now }
  checked(() => checkOptions(options))
  return options
}

function givenBy(flags: SimulatorFlags, file: SimulatorOptions): SimulatorOptions {
  const { host, port, username, password, seed, devices, interval, fractionDigits, release, zone } = flags
  const { maxLogSockets, requestsPerSecond, secondsPerRequest, entriesPerSecond } = flags
  const { retention: retentionMs, clockSkew: clockSkewMs, sessionTimeout: sessionTimeoutMs } = flags
  return {
    ...given({ host, port, username, password, seed, devices, interval, fractionDigits, release, zone }),
    ...habitsOf(flags, file),
    ...given({ maxLogSockets, requestsPerSecond, retentionMs, clockSkewMs, sessionTimeoutMs }),
    cost: { ...file.cost, ...given({ secondsPerRequest, entriesPerSecond }) },
    faults: { ...file.faults, ...flags.fault },
    oddities: { ...file.oddities, ...flags.oddity },
  }
}

/** A mapping of the file is added to, as its faults are. */
function habitsOf({ set = {} }: SimulatorFlags, file: SimulatorOptions): Habits {
  return {
    ...set,
    ...(set.accounts && { accounts: { ...file.accounts, ...set.accounts } }),
    ...(set.retentions && { retentions: { ...file.retentions, ...set.retentions } }),
  }
}

function given<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}

/** The options of a YAML file; `historyStart` may be a time as on the command line. */
function readFile(file: string, { clock, env }: Context): SimulatorOptions {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw unreadable(file, error)
  }
  const { value, problems } = readYaml(file, text, env)
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
