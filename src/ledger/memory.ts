import type { ClockReading } from '../domain/clock.ts'
import type { SinkGateway } from '../domain/coverage.ts'
import { type Selector, selectorKey } from '../domain/datapoint.ts'
import type { DeviceMeaning } from '../domain/device-meaning.ts'
import type { TimeRange, WantedSince } from '../domain/range.ts'
import type { Share } from '../domain/receipt.ts'
import { type Remarked, Remarks } from '../domain/remark.ts'
import type { Width } from '../domain/request.ts'
import type { Reread } from './proof.ts'
import type { Statements, Transaction } from './statements.ts'

/** For how long a gateway keeps the log of its selectors, as last read from it. */
interface KnownRetentions {
  /** When it was read, by the host's clock, ms UTC. */
  readonly at: number
  /** ms; undefined: not known. */
  of(selector: Selector): number | undefined
}

export interface Rereads {
  readonly ranges: number
  readonly points: number
  readonly late: number
}

/** One complete range, counted in the database by `sync`. */
export interface RangeCheck {
  /** By the host's clock, ms UTC. */
  readonly at: number
  /** Which of the ranges is next follows from it. */
  readonly turn: number
  readonly selector: Selector
  readonly range: TimeRange
  /** Points that were acknowledged, and those that the database counts. */
  readonly proof: number
  readonly found: number
  /** `inconsistent`: it counts fewer than it gives one by one, so that nothing is missing by its count. */
  readonly verdict: 'held' | 'missing' | 'inconsistent'
}

interface Retentions {
  readonly at: number
  /** A thousand datapoints have a few retentions: each with the keys of its selectors. */
  readonly known: readonly (readonly [number, readonly string[]])[]
}

/** What was learnt of a gateway. It changes how the gateway is asked, and proves nothing. */
export function createMemory(database: Statements, transaction: Transaction) {
  const find = database.prepare('SELECT json FROM gateway_memory WHERE gateway = ? AND key = ?')
  const all = database.prepare('SELECT gateway, json FROM gateway_memory WHERE key = ?')
  const insert = database.prepare('INSERT OR REPLACE INTO gateway_memory (gateway, key, json) VALUES (?, ?, ?)')

  function get<T>(gateway: string, key: string): T | undefined {
    const row = find.get(gateway, key)
    return row === undefined ? undefined : (JSON.parse(String(row['json'])) as T)
  }

  function put(gateway: string, key: string, value: unknown): void {
    insert.run(gateway, key, JSON.stringify(value))
  }

  return {
    /** Both clocks when a transfer was last recorded. */
    clockOf: (gateway: string) => get<ClockReading>(gateway, 'clock'),
    /** The time of the newest entry that was ever received of a gateway, ms UTC. */
    newestEntryOf: (gateway: string) => get<number>(gateway, 'newest-entry'),
    windowOf: (gateway: string, group: string) => get<number>(gateway, `window ${group}`),
    widthOf: (gateway: string, group: string) => get<Width>(gateway, `width ${group}`),
    rememberWidth(gateway: string, group: string, width: Width): void {
      transaction(() => put(gateway, `width ${group}`, width))
    },
    /** What requests for all devices of a gateway brought last; undefined: too little, or none. */
    shareOf: (gateway: string) => get<Share>(gateway, 'share'),
    rememberShare(gateway: string, share: Share): void {
      transaction(() => put(gateway, 'share', share))
    },
    /** From where on a schedule wants the log of a gateway; undefined: none has run yet. */
    wantedOf: (gateway: string) => get<WantedSince>(gateway, 'wanted'),
    rememberWanted(gateway: string, wanted: WantedSince): void {
      transaction(() => put(gateway, 'wanted', wanted))
    },
    /** Undefined: never read. */
    retentions(gateway: string): KnownRetentions | undefined {
      const found = get<Retentions>(gateway, 'retention')
      if (found === undefined) return undefined
      const byKey = new Map(found.known.flatMap(([ms, keys]) => keys.map(key => [key, ms] as const)))
      return { at: found.at, of: selector => byKey.get(selectorKey(selector)) }
    },
    noteRetentions(gateway: string, at: number, known: ReadonlyMap<Selector, number>): void {
      const byMs = Map.groupBy(known, ([, ms]) => ms)
      const rows = [...byMs].map(([ms, of]) => [ms, of.map(([selector]) => selectorKey(selector))])
      transaction(() => put(gateway, 'retention', { at, known: rows }))
    },
    /** The last one; undefined: none in this database. */
    rangeCheckOf: ({ sink, gateway }: SinkGateway) => get<RangeCheck>(gateway, `check ${sink}`),
    rememberRangeCheck({ sink, gateway }: SinkGateway, check: RangeCheck): void {
      transaction(() => put(gateway, `check ${sink}`, check))
    },
    /** What an id of a device meant when it was last confirmed. */
    deviceOf: (gateway: string, id: string) => get<DeviceMeaning>(gateway, `device ${id}`),
    noteDevice(gateway: string, id: string, meaning: DeviceMeaning): void {
      transaction(() => put(gateway, `device ${id}`, meaning))
    },
    /** By gateway: how often provisional ranges were read again, and the points that only the re-read has found. */
    rereads: (): Map<string, Rereads> =>
      new Map(all.all('rereads').map(row => [String(row['gateway']), JSON.parse(String(row['json']))])),
    /** What was remarked about the values of a gateway. */
    remarks: (gateway: string): readonly Remarked[] => get<Remarked[]>(gateway, 'remarks') ?? [],
    /** Plain statements: the transaction is the caller's. */
    within: {
      /** Of these datapoints what was remarked is no longer so. */
      dropRemarks(gateway: string, datapoints: ReadonlySet<string>): void {
        const known = get<Remarked[]>(gateway, 'remarks') ?? []
        const left = known.filter(({ datapoint }) => !datapoints.has(datapoint))
        if (left.length < known.length) put(gateway, 'remarks', left)
      },
      noteRemarks(gateway: string, more: readonly Remarked[]): void {
        if (more.length === 0) return
        const remarks = new Remarks(get<Remarked[]>(gateway, 'remarks'))
        remarks.addAll(more)
        put(gateway, 'remarks', remarks.all())
      },
      noteClock(name: string, { host, gateway }: ClockReading, newestEntry?: number | undefined): void {
        put(name, 'clock', { host, gateway: Math.round(gateway) })
        const known = get<number>(name, 'newest-entry') ?? Number.NEGATIVE_INFINITY
        if (newestEntry !== undefined && newestEntry > known) put(name, 'newest-entry', newestEntry)
      },
      noteWindow(gateway: string, group: string, ms: number): void {
        put(gateway, `window ${group}`, ms)
      },
      noteReread(gateway: string, { points, late }: Reread): void {
        const before = get<Rereads>(gateway, 'rereads') ?? { ranges: 0, points: 0, late: 0 }
        const known = { ranges: before.ranges + 1, points: before.points + points, late: before.late + late }
        put(gateway, 'rereads', known)
      },
    },
  }
}

export type Memory = ReturnType<typeof createMemory>
