import type { Statements } from './statements.ts'

/** How a gateway's clock stood beside this host's when something was last recorded of it. Plain statements. */
export function createClocks(database: Statements) {
  const find = database.prepare('SELECT host, shown FROM clock WHERE gateway = ?')
  const put = database.prepare('INSERT OR REPLACE INTO clock (gateway, host, shown) VALUES (?, ?, ?)')

  return {
    of(gateway: string): { readonly host: number; readonly gateway: number } | undefined {
      const row = find.get(gateway)
      return row === undefined ? undefined : { host: Number(row['host']), gateway: Number(row['shown']) }
    },
    note(gateway: string, host: number, shown: number): void {
      put.run(gateway, host, Math.round(shown))
    },
  }
}
