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
  return cellsOf(
    history.merged(() => true, after, until),
    wanted,
  )
}

/** Of several values for one field of one datapoint at one time the larger one stays. */
export function cellsOf(entries: Iterable<Entry>, wanted = (_: Entry) => true): Cell[] {
  const cells = new Map<string, { cell: Cell; value: number | string }>()
  for (const entry of entries) {
    if (!wanted(entry)) continue
    const { device, block, index, name, xif } = entry.datapoint
    const place = { device, block, index, datapoint: name ?? xif }
    const nanoseconds = String(BigInt(entry.ms) * 1_000_000n + BigInt(entry.nanos))
    for (const [field, value] of fields(entry.value)) {
      const key = cell(place, field, nanoseconds, '')
      const other = cells.get(key)
      if (other === undefined || value > other.value)
        cells.set(key, { cell: cell(place, field, nanoseconds, value), value })
    }
  }
  return [...cells.values()].map(it => it.cell).sort()
}

function fields(value: unknown): [string, number | string][] {
  if (typeof value === 'number') return [['value', value]]
  if (typeof value === 'string') return [['text', value]]
  if (typeof value === 'boolean') return [['value', Number(value)]]
  return members(value, [])
}

/** `{"point":[{"x":1,"word":"a"}]}` → point_0_x, point_0_word_text. */
function members(value: unknown, path: readonly string[]): [string, number | string][] {
  if (value === null || value === undefined) return []
  if (typeof value === 'number' || typeof value === 'boolean') return [[path.join('_'), Number(value)]]
  if (typeof value === 'string') return [[`${path.join('_')}_text`, value]]
  // what is nested deeper is a dead letter
  if (path.length > 8) return []
  return Object.entries(value).flatMap(([name, inner]) => members(inner, [...path, name]))
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
