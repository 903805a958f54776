import type { SinkGateway } from '../domain/coverage.ts'
import { type Selector, selectorLabel } from '../domain/datapoint.ts'
import { emptyReceipt, type PastTransfer, type Receipt } from '../domain/receipt.ts'
import type { DataLogRequest } from '../domain/request.ts'
import type { Statements } from './statements.ts'

/** Kept for looking back, not for proof: coverage is the proof. Each gateway and sink has an equal share of them. */
const mostKept = 2_000
/** Counting shares looks at all of them: it is done now and then. */
const trimEvery = 100

/** Every method is a plain statement: the transaction is the caller's. */
export function createReceipts(database: Statements) {
  const insert = database.prepare(
    'INSERT INTO receipt (at, sink, gateway, selectors, after, until, provisional, counts) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
  )
  const shares = database.prepare('SELECT count(*) AS shares FROM (SELECT DISTINCT sink, gateway FROM receipt)')
  const trim = database.prepare(
    `DELETE FROM receipt WHERE id IN (
       SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY sink, gateway ORDER BY id DESC) AS newest FROM receipt)
       WHERE newest > ?)`,
  )
  const newest = database.prepare(
    'SELECT selectors, after, until, counts FROM receipt WHERE sink = ? AND gateway = ? ORDER BY id DESC LIMIT ?',
  )

  return {
    add(sink: string, request: DataLogRequest, provisional: boolean, receipt: Receipt, at: number): void {
      const { gateway, selectors, range } = request
      const counted = Object.fromEntries(Object.entries(receipt).filter(([, count]) => count !== 0))
      const { lastInsertRowid } = insert.run(
        at,
        sink,
        gateway,
        askedText(selectors),
        range.after,
        range.until,
        Number(provisional),
        JSON.stringify(counted),
      )
      if (Number(lastInsertRowid) % trimEvery !== 0) return
      trim.run(Math.floor(mostKept / Math.max(1, Number(shares.get()!['shares']))))
    },
    newest: ({ sink, gateway }: SinkGateway, most: number): PastTransfer[] =>
      newest.all(sink, gateway, most).map(row => ({
        asked: String(row['selectors']),
        range: { after: Number(row['after']), until: Number(row['until']) },
        // counts that are nought are left out
        receipt: { ...emptyReceipt(), ...(JSON.parse(String(row['counts'])) as Partial<Receipt>) },
      })),
  }
}

/** What the receipts call these selectors: short, not unique. */
export function askedText(selectors: readonly Selector[]): string {
  const [first, ...others] = selectors.map(selectorLabel)
  return others.length === 0 ? first! : `${first} (+${others.length})`
}
