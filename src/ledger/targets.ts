import type { SinkGateway } from '../domain/coverage.ts'
import { type Selector, selectorKey } from '../domain/datapoint.ts'
import type { Statements } from './statements.ts'

/** A selector that a gateway was asked for, for one sink. */
export interface Target {
  readonly id: number
  readonly selector: Selector
  /** Nothing before this is fetched: the points there were made by an earlier rule. ms UTC; undefined: no such moment. */
  readonly since: number | undefined
}

/** The rows of `target`. Every method is a plain statement: the transaction is the caller's. */
export function createTargets(database: Statements) {
  const find = database.prepare('SELECT id FROM target WHERE sink = ? AND gateway = ? AND key = ?')
  const insert = database.prepare('INSERT INTO target (sink, gateway, key, selector) VALUES (?, ?, ?, ?)')
  const all = database.prepare(
    'SELECT id, selector, since FROM target WHERE sink = ? AND gateway = ? AND retired IS NULL',
  )
  const ofGateway = database.prepare('SELECT id, selector, since FROM target WHERE gateway = ?')
  const one = database.prepare('SELECT id, selector, since FROM target WHERE id = ?')
  const ofSink = database.prepare('SELECT id FROM target WHERE sink = ?')
  const gateways = database.prepare('SELECT DISTINCT gateway FROM target WHERE sink = ? ORDER BY gateway')

  function idOf({ sink, gateway }: SinkGateway, selector: Selector): number | undefined {
    const row = find.get(sink, gateway, selectorKey(selector))
    return row === undefined ? undefined : Number(row['id'])
  }

  return {
    /** Undefined: nothing was ever recorded of it. */
    find: idOf,
    ensure(place: SinkGateway, selector: Selector): number {
      const known = idOf(place, selector)
      if (known !== undefined) return known
      const { lastInsertRowid } = insert.run(place.sink, place.gateway, selectorKey(selector), JSON.stringify(selector))
      return Number(lastInsertRowid)
    },
    /** Those in use: what was retired is proof of points by an earlier rule. */
    all: ({ sink, gateway }: SinkGateway): Target[] => all.all(sink, gateway).map(targetOf),
    selectorOf: (id: number): Selector => targetOf(one.get(id)!).selector,
    /** For every sink, also what was retired. */
    ofGateway: (gateway: string): Target[] => ofGateway.all(gateway).map(targetOf),
    ofSink: (sink: string): number[] => ofSink.all(sink).map(row => Number(row['id'])),
    gateways: (sink: string): string[] => gateways.all(sink).map(row => String(row['gateway'])),
  }
}

export type Targets = ReturnType<typeof createTargets>

function targetOf(row: Record<string, unknown>): Target {
  const { id, selector, since } = row
  return {
    id: Number(id),
    selector: JSON.parse(String(selector)) as Selector,
    since: since === null ? undefined : Number(since),
  }
}
