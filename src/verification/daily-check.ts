import type { Clock } from '../domain/clock.ts'
import { type Selector, selectorKey } from '../domain/datapoint.ts'
import { isSameRange, type TimeRange } from '../domain/range.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { RangeCheck } from '../ledger/memory.ts'
import type { Claim, Proof } from '../ledger/proof.ts'
import type { Settling } from '../sinks/settle.ts'
import type { Sink } from '../sinks/sink.ts'
import { type CountedRow, countClaims } from './counts.ts'
import type { GatewayClaims } from './scope.ts'

interface DailyCheckParts {
  readonly sink: Pick<Sink, 'id' | 'counts' | 'read'>
  readonly ledger: {
    readonly proofs: Pick<Ledger['proofs'], 'claims'>
    readonly memory: Pick<Ledger['memory'], 'rangeCheckOf' | 'rememberRangeCheck'>
  }
  readonly clock: Clock
  /** The database keeps nothing older, ms UTC. */
  readonly oldest: number
  readonly settling: Settling
}

/** More points than these are counted in one query only where no range has fewer. */
const fewPoints = 500_000

const allTime = { after: Number.NEGATIVE_INFINITY, until: Number.POSITIVE_INFINITY }

/**
 * Counts one complete range of a gateway in the database and remembers the result; undefined: there is none to count. It
 * lowers no proof and asks no gateway. The ranges are counted in turn: a newest one and any one alternate, because what was
 * written last shows a database that acknowledges and keeps nothing. A range that was not found whole is counted again.
 */
export async function checkOneRange(
  { name: gateway, selectors }: GatewayClaims,
  { sink, ledger, clock, oldest, settling }: DailyCheckParts,
  signal: AbortSignal,
): Promise<RangeCheck | undefined> {
  const place = { sink: sink.id, gateway }
  const rows = rowsOf(ledger.proofs.claims(place, selectors), oldest)
  const last = ledger.memory.rangeCheckOf(place)
  const chosen = againRow(rows, last) ?? rowInTurn(rows, last)
  if (chosen === undefined) return undefined
  const { claim, proof, turn } = chosen
  const claims = [{ ...claim, proofs: [proof] }]
  const [row] = await countClaims([{ gateway, claims }], { sink, oldest, within: allTime, settling }, signal)
  const { selector, range, found = 0 } = row!
  const verdict = found >= proof.points ? 'held' : await verdictOfShort(row!, sink, signal)
  // a proof that was taken back or restated meanwhile says nothing
  const current = rowsOf(ledger.proofs.claims(place, [selector]), oldest)
  if (!current.some(it => isSame(it, chosen))) return undefined
  const check = { at: clock.now(), turn, selector, range, proof: proof.points, found, verdict } as const
  ledger.memory.rememberRangeCheck(place, check)
  return check
}

interface Row {
  readonly claim: Claim
  readonly proof: Proof & { readonly points: number }
}

/** What can be counted, in an order that stays. */
function rowsOf(claims: readonly Claim[], oldest: number): Row[] {
  const rows = claims.flatMap(claim =>
    claim.proofs.flatMap(proof => {
      const { points = 0, range } = proof
      return points > 0 && range.after >= oldest ? [{ claim, proof: { ...proof, points } }] : []
    }),
  )
  const few = rows.filter(({ proof }) => proof.points <= fewPoints)
  if (few.length > 0 || rows.length === 0) return few
  return [rows.reduce((a, b) => (a.proof.points <= b.proof.points ? a : b))]
}

function againRow(rows: readonly Row[], last: RangeCheck | undefined) {
  if (last === undefined || last.verdict === 'held') return undefined
  const row = rows.find(
    ({ claim, proof }) => isSameSelector(claim.selector, last.selector) && holds(proof.range, last.range),
  )
  return row && { ...row, turn: last.turn }
}

function rowInTurn(rows: readonly Row[], last: RangeCheck | undefined) {
  const turn = last === undefined ? 0 : last.turn + 1
  const newest = [...Map.groupBy(rows, ({ claim }) => claim).values()].map(own => own.at(-1)!)
  const pool = turn % 2 === 0 ? newest : rows
  const row = pool[Math.floor(turn / 2) % pool.length]
  return row && { ...row, turn }
}

/** A database that gives more points one by one than it counts contradicts itself: nothing is missing by such a count. */
async function verdictOfShort(
  { series, range, found = 0 }: CountedRow,
  sink: Pick<Sink, 'read'>,
  signal: AbortSignal,
): Promise<'missing' | 'inconsistent'> {
  let given = 0
  for (const one of series)
    for await (const _ of sink.read(one, range, signal)) {
      given++
      if (given > found) return 'inconsistent'
    }
  return 'missing'
}

function isSame(a: Row, b: Row): boolean {
  return (
    isSameSelector(a.claim.selector, b.claim.selector) &&
    isSameRange(a.proof.range, b.proof.range) &&
    a.proof.points === b.proof.points
  )
}

function isSameSelector(a: Selector, b: Selector): boolean {
  return selectorKey(a) === selectorKey(b)
}

function holds(whole: TimeRange, part: TimeRange): boolean {
  return whole.after <= part.after && whole.until >= part.until
}
