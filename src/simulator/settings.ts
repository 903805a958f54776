import { type FaultSettings, noFaults } from './faults.ts'
import { usualHabits } from './habits.ts'
import type { History } from './history.ts'
import { noOddities, type OdditySettings } from './oddities.ts'
import { checkOptions } from './option-checks.ts'
import type { SimulatorOptions } from './options.ts'

/** The options with every default filled in. */
export type SimulatorSettings = Required<Omit<SimulatorOptions, 'source' | 'faults' | 'oddities'>> & {
  readonly source: History | undefined
  readonly faults: FaultSettings
  readonly oddities: OdditySettings
}

const dayMs = 86_400_000

/** Fills in the defaults. Throws RangeError naming the option that is unknown or out of range. */
export function fillOptions(options: SimulatorOptions): SimulatorSettings {
  checkOptions(options)
  const { now = Date.now, source, faults, oddities, ...rest } = options
  return {
    ...usualHabits,
    host: '127.0.0.1',
    port: 0,
    username: 'etl',
    password: 'secret',
    seed: 1,
    devices: 40,
    interval: 300,
    historyStart: Math.floor(now() / dayMs) * dayMs - 30 * dayMs,
    retentionMs: 0,
    fractionDigits: 3,
    clockSkewMs: 0,
    zone: 'America/Los_Angeles',
    cost: {},
    release: '4.10',
    sessionTimeoutMs: dayMs,
    requestsPerSecond: 0,
    maxLogSockets: 0,
    ...rest,
    now,
    source,
    faults: { ...noFaults, ...faults },
    oddities: { ...noOddities, ...oddities },
  }
}

/** Options from a file. Throws RangeError for what is unknown, out of range or not plain data. */
export function readOptions(data: unknown): SimulatorOptions {
  if (typeof data !== 'object' || data === null || Array.isArray(data))
    throw new RangeError('options must be a mapping')
  for (const key of ['now', 'source']) if (key in data) throw new RangeError(`unknown option "${key}"`)
  checkOptions(data)
  return data
}
