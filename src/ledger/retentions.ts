import { type Selector, selectorKey } from '../domain/datapoint.ts'
import type { Statements } from './statements.ts'

/** For how long a gateway keeps the log of its selectors, as it told last. */
export interface ToldRetentions {
  /** When, by the host's clock, ms UTC. */
  readonly at: number
  /** ms; undefined: it did not tell. */
  of(selector: Selector): number | undefined
}

/** A row a gateway: a thousand datapoints have a few retentions. Every method is a plain statement. */
export function createRetentions(database: Statements) {
  const find = database.prepare('SELECT at, known FROM retention WHERE gateway = ?')
  const put = database.prepare('INSERT OR REPLACE INTO retention (gateway, at, known) VALUES (?, ?, ?)')

  return {
    of(gateway: string): ToldRetentions | undefined {
      const row = find.get(gateway)
      if (row === undefined) return undefined
      const known = JSON.parse(String(row['known'])) as [number, string[]][]
      const byKey = new Map(known.flatMap(([ms, keys]) => keys.map(key => [key, ms] as const)))
      return { at: Number(row['at']), of: selector => byKey.get(selectorKey(selector)) }
    },
    note(gateway: string, at: number, told: ReadonlyMap<Selector, number>): void {
      const byMs = Map.groupBy(told, ([, ms]) => ms)
      const known = [...byMs].map(([ms, of]) => [ms, of.map(([selector]) => selectorKey(selector))])
      put.run(gateway, at, JSON.stringify(known))
    },
  }
}
