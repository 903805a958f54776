import type { Entry, History } from '../../src/simulator/history.ts'
import type { Simulator } from '../../src/simulator/simulator.ts'

/** One field of one point, as every database can be asked for it: `series|field|nanoseconds|value`. */
export type Cell = string

export function cell(place: Place, field: string, nanoseconds: string, value: number | string): Cell {
  const { device, block, index, datapoint } = place
  return `${device}/${block}/${index}/${datapoint}|${field}|${nanoseconds}|${value}`
}

export interface Place {
  readonly device: string
  readonly block: string
  readonly index: string | number
  readonly datapoint: string
}

/**
 * What a database must hold after a backfill, worked out from the simulator's history alone. Written anew from the
 * rules, not with the program's own mapping: both would share one mistake.
 */
export function expectedCells(history: History, after: number, until: number, wanted = (_: Entry) => true): Cell[] {
  const cells: Cell[] = []
  for (const entry of history.merged(() => true, after, until)) {
    if (!wanted(entry)) continue
    const { device, block, index, name, xif } = entry.datapoint
    const place = { device, block, index, datapoint: name ?? xif }
    const nanoseconds = String(BigInt(entry.ms) * 1_000_000n + BigInt(entry.nanos))
    for (const [field, value] of fields(entry.value)) cells.push(cell(place, field, nanoseconds, value))
  }
  return cells.sort()
}

function fields(value: unknown): [string, number | string][] {
  if (typeof value === 'number') return [['value', value]]
  if (typeof value === 'string') return [['text', value]]
  if (typeof value === 'boolean') return [['value', Number(value)]]
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([member, inner]): [string, number | string][] => {
    if (typeof inner === 'number') return [[member, inner]]
    if (typeof inner === 'string') return [[`${member}_text`, inner]]
    throw new Error(`the test knows no member ${member} of ${typeof inner}`)
  })
}

/** The part of a configuration that reaches a simulator. */
export function gatewaySettings(simulator: Simulator, datapoints: readonly unknown[], limits: object = {}) {
  return {
    url: simulator.url,
    username: 'etl',
    password: 'secret',
    tls: { fingerprint256: simulator.fingerprint256 },
    limits: { pause: '0ms', requestsPerMinute: 600, ...limits },
    datapoints,
  }
}

/** `device/block/index/*` … of every datapoint, as a user lists them. */
export function allDatapoints({ history }: Simulator): string[] {
  return history.datapoints.map(({ device, block, index, name, xif }) => `${device}/${block}/${index}/${name ?? xif}`)
}
