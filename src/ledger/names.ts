import type { Selector } from '../domain/datapoint.ts'
import type { RangeSet } from '../domain/range.ts'
import type { CoverageRows } from './coverage.ts'
import type { Proof } from './proof.ts'
import { createRangeRows } from './range-rows.ts'
import type { Statements, Transaction } from './statements.ts'
import type { Targets } from './targets.ts'

/**
 * Ranges that a gateway answered with no entry since its list was last read. A gateway answers the same to a name that it
 * does not have: the proof of these ranges rests on the name (law 14).
 */
export function createNames(
  database: Statements,
  { targets, coverageRows }: { readonly targets: Targets; readonly coverageRows: CoverageRows },
  transaction: Transaction,
) {
  const unconfirmed = createRangeRows(database, 'unconfirmed', ['target'])

  return {
    /** What was answered with no entry since the gateway's list was last read, for every selector and sink. */
    unconfirmed: (gateway: string): { readonly selector: Selector; readonly ranges: RangeSet }[] =>
      targets
        .ofGateway(gateway)
        .map(({ id, selector }) => ({ selector, ranges: unconfirmed.of(id) }))
        .filter(({ ranges }) => !ranges.isEmpty),
    /**
     * After the gateway's list was read: what rests on a listed name is confirmed, what rests on a missing one is taken
     * back in the same transaction. Selectors that `judge` does not know stay as they are. Returns what was taken back.
     */
    settle(gateway: string, judge: (selector: Selector) => 'listed' | 'missing' | undefined): Selector[] {
      const open = targets.ofGateway(gateway).flatMap(({ id, selector }) => {
        const ranges = unconfirmed.of(id)
        const state = ranges.isEmpty ? undefined : judge(selector)
        return state === undefined ? [] : [{ id, selector, ranges, state }]
      })
      if (open.length === 0) return []
      transaction(() => {
        for (const { id, ranges, state } of open) {
          if (state === 'missing') coverageRows.uncover(id, ranges)
          unconfirmed.clear(id)
        }
      })
      return open.filter(({ state }) => state === 'missing').map(({ selector }) => selector)
    },
    /** Plain statements: the transaction is the caller's. */
    within: {
      /** An entry of a name shows that the gateway has it, for all that was answered before. */
      note(target: number, { range, counts }: Proof): void {
        if (counts?.received === 0) unconfirmed.add(range, target)
        else if (counts !== undefined) unconfirmed.clear(target)
      },
    },
  }
}
