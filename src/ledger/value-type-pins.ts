import type { SinkGateway } from '../domain/coverage.ts'
import type { ValueType } from '../domain/entry.ts'
import type { Statements, Transaction } from './statements.ts'

/**
 * The value types that the datapoints of a gateway log, as far as they are known, for one sink.
 *
 * A pin is kept before the points that it let through are written, and so before any coverage that depends on it:
 * whatever is cut or killed afterwards, the same entry is judged the same again (law 4). Were it kept with the
 * coverage only, a killed transfer could leave texts in the database, and its repetition, begun elsewhere, refuse them.
 *
 * For the same reason a pin outlives the transfer that set it and failed. It does no harm: it comes from an entry that
 * was asked for and is in the log, so that the repetition meets it too. `type` in the configuration overrules it.
 */
export function createValueTypePins(database: Statements, place: SinkGateway, transaction: Transaction) {
  const find = database.prepare('SELECT kind FROM pin WHERE sink = ? AND gateway = ? AND datapoint = ?')
  const put = database.prepare('INSERT OR REPLACE INTO pin (sink, gateway, datapoint, kind) VALUES (?, ?, ?, ?)')
  const fresh = new Map<string, ValueType>()
  return {
    get(datapoint: string): ValueType | undefined {
      const row = find.get(place.sink, place.gateway, datapoint)
      return fresh.get(datapoint) ?? (row === undefined ? undefined : (String(row['kind']) as ValueType))
    },
    /** Remembered for this process; durable with the next `keep`. */
    set(datapoint: string, type: ValueType): void {
      fresh.set(datapoint, type)
    },
    /** Durable when it returns. Costs nothing where there is nothing new. */
    keep(): void {
      if (fresh.size === 0) return
      transaction(() => {
        for (const [datapoint, type] of fresh) put.run(place.sink, place.gateway, datapoint, type)
      })
      fresh.clear()
    },
  }
}
