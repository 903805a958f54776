import type { Selector } from '../domain/datapoint.ts'
import { createClocks } from './clocks.ts'
import { createRetentions, type ToldRetentions } from './retentions.ts'
import type { Statements, Transaction } from './statements.ts'
import type { SecondLook } from './targets.ts'

export interface SecondLooks {
  readonly looks: number
  readonly points: number
  readonly late: number
}

/** How the datapoints of a device are best requested: together, or one by one. */
export type Width = 'wide' | 'narrow' | 'always wide'

/** What was learnt of a gateway. It changes how the gateway is asked, and proves nothing. */
export type GatewayMemory = ReturnType<typeof createMemory>

export function createMemory(database: Statements, transaction: Transaction) {
  const clocks = createClocks(database)
  const retentions = createRetentions(database)
  const window = database.prepare('SELECT ms FROM window WHERE gateway = ? AND grp = ?')
  const putWindow = database.prepare('INSERT OR REPLACE INTO window (gateway, grp, ms) VALUES (?, ?, ?)')
  const width = database.prepare('SELECT width FROM grouping WHERE gateway = ? AND grp = ?')
  const putWidth = database.prepare('INSERT OR REPLACE INTO grouping (gateway, grp, width) VALUES (?, ?, ?)')
  const looks = database.prepare('SELECT gateway, looks, points, late FROM second_look')
  const putLook = database.prepare(
    'INSERT INTO second_look (gateway, looks, points, late) VALUES (?, 1, ?, ?) ON CONFLICT DO UPDATE SET looks = looks + 1, points = points + excluded.points, late = late + excluded.late',
  )

  return {
    /** How the gateway's clock stood beside this host's when a transfer was last recorded. */
    clockOf: (gateway: string) => clocks.of(gateway),
    /** For how long a gateway keeps its log, as last read from it; undefined: never read. */
    retentions: (gateway: string): ToldRetentions | undefined => retentions.of(gateway),
    noteRetentions(gateway: string, at: number, known: ReadonlyMap<Selector, number>): void {
      transaction(() => retentions.note(gateway, at, known))
    },
    windowOf(gateway: string, group: string): number | undefined {
      const row = window.get(gateway, group)
      return row === undefined ? undefined : Number(row['ms'])
    },
    widthOf(gateway: string, group: string): Width | undefined {
      const row = width.get(gateway, group)
      return row === undefined ? undefined : (String(row['width']) as Width)
    },
    rememberWidth(gateway: string, group: string, value: Width): void {
      transaction(() => {
        putWidth.run(gateway, group, value)
      })
    },
    /** By gateway: how often provisional ranges were read again, and the points that only the re-read has found. */
    secondLooks(): Map<string, SecondLooks> {
      return new Map(
        looks
          .all()
          .map(row => [
            String(row['gateway']),
            { looks: Number(row['looks']), points: Number(row['points']), late: Number(row['late']) },
          ]),
      )
    },
    /** Plain statements: the transaction is the caller's. */
    within: {
      noteClock: clocks.note,
      noteWindow: (gateway: string, group: string, ms: number): void => void putWindow.run(gateway, group, ms),
      noteSecondLook: (gateway: string, { points, late }: SecondLook): void => void putLook.run(gateway, points, late),
    },
  }
}
