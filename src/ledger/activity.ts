import type { Statements } from './statements.ts'

/** What the owner is doing with a gateway, or waiting for. */
export interface Activity {
  readonly gateway: string
  readonly doing: string
  /** ms UTC */
  readonly since: number
  /** ms UTC, where it is known how long it takes. */
  readonly until: number | undefined
}

/** For people that ask "status": of no weight for what is proven. */
export function createActivities(database: Statements) {
  const put = database.prepare('INSERT OR REPLACE INTO activity (gateway, doing, since, until) VALUES (?, ?, ?, ?)')
  const all = database.prepare('SELECT gateway, doing, since, until FROM activity ORDER BY gateway')
  const clear = database.prepare('DELETE FROM activity')
  return {
    note: ({ gateway, doing, since, until }: Activity): void => {
      put.run(gateway, doing, since, until ?? null)
    },
    all: (): Activity[] =>
      all.all().map(row => ({
        gateway: String(row['gateway']),
        doing: String(row['doing']),
        since: Number(row['since']),
        until: row['until'] === null ? undefined : Number(row['until']),
      })),
    clear: (): void => {
      clear.run()
    },
  }
}
