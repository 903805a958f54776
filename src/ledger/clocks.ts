import type { ClockReading } from '../domain/clock.ts'
import type { Statements } from './statements.ts'

/** How a gateway's clock stood beside this host's when something was last recorded of it. Plain statements. */
export function createClocks(database: Statements) {
  const find = database.prepare('SELECT host, shown FROM clock WHERE gateway = ?')
  const put = database.prepare('INSERT OR REPLACE INTO clock (gateway, host, shown) VALUES (?, ?, ?)')

  return {
    of(gateway: string): ClockReading | undefined {
      const row = find.get(gateway)
      return row === undefined ? undefined : { host: Number(row['host']), gateway: Number(row['shown']) }
    },
    note(name: string, { host, gateway }: ClockReading): void {
      put.run(name, host, Math.round(gateway))
    },
  }
}
