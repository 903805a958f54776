import { selectorKey } from '../domain/datapoint.ts'
import { isSameRange, rangeLength, type TimeRange } from '../domain/range.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Settling } from '../sinks/settle.ts'
import type { Sink } from '../sinks/sink.ts'
import { type Checked, type CheckParts, checkRange } from './check-range.ts'
import { type CountedRow, countClaims, suspectPieces } from './counts.ts'
import { type Finding, findingOfCount, findingUnasked } from './finding.ts'
import { drawSample } from './sample.ts'
import type { GatewayClaims } from './scope.ts'

/** What of the ledger's claims to verify. */
interface Claims {
  readonly gateways: readonly GatewayClaims[]
  readonly within: TimeRange
  /** The database keeps nothing older, ms UTC. */
  readonly oldest: number
}

/** How to verify. */
export interface Mode {
  /**
   * `counts`: the number of points in the database against the ledger's proofs. `full`: every entry against the
   * gateway. `sample`: so many days of datapoints drawn at random, every entry of them against the gateway.
   */
  readonly compare: 'counts' | 'full' | { readonly days: number; readonly seed: number }
  /** Whether what differs is written again, and whether a loss that cannot be repaired is accepted. */
  readonly repair: 'none' | 'repair' | 'accept'
}

export interface VerifyParts {
  readonly sink: Pick<Sink, 'id' | 'counts'>
  readonly ledger: { readonly proofs: Pick<Ledger['proofs'], 'claims' | 'restate'> }
  /** Undefined: no gateway is asked for anything. */
  readonly gateways: (Pick<CheckParts, 'reread' | 'reaches'> & { isConfigured(name: string): boolean }) | undefined
  readonly settling: Settling
  /** Entries that one request should bring. */
  readonly entries: number
  /** Called before each range that is read from a gateway. */
  readonly observe: (done: number, total: number) => void
}

export type Outcome = Omit<Checked, 'row'>

const sampleMs = 86_400_000

/**
 * Verifies what the ledger claims, range by range. Counts come first: a gateway is asked for no more than what is to be
 * compared entry by entry or repaired (law 7).
 */
export async function* verify(
  claims: Claims,
  { compare, repair }: Mode,
  parts: VerifyParts,
  signal: AbortSignal,
): AsyncGenerator<Outcome> {
  const { sink, gateways, entries, observe } = parts
  const byEntries = compare !== 'counts'
  const mayRead = byEntries || repair !== 'none'
  const readable: Part[] = []
  const unread: Finding[] = []
  for (const row of await countAll(claims, parts, signal)) {
    const range = clip(row.range, { after: Math.max(claims.within.after, claims.oldest), until: claims.within.until })
    const isReadable = mayRead && gateways?.isConfigured(row.gateway) === true && rangeLength(range) > 0
    if (isReadable && (byEntries || row.verdict !== 'equal')) readable.push({ row, range })
    else unread.push(byEntries ? findingUnasked(row) : findingOfCount(row))
  }
  const drawn = typeof compare === 'object' ? drawParts(readable, compare) : readable
  // a sample says nothing about the rows that it was not drawn from
  if (drawn === readable || drawn.length === 0) yield* unread.map(unchanged)
  if (gateways === undefined) return
  const check: CheckParts = { ...parts, ...gateways, accept: repair === 'accept' }
  // several parts of a sample may be of one row: each begins with what is known after the one before
  const current = new Map<CountedRow, CountedRow>()
  for (const [i, { row: first, range: part }] of drawn.entries()) {
    observe(i, drawn.length)
    const row = current.get(first) ?? first
    const pieces = byEntries ? [part] : await suspectPieces(row, part, entries, sink, signal)
    const isPartAlone = drawn === readable && !isSameRange(part, row.range)
    const by = byEntries ? 'entries' : 'count'
    const checked = await checkRange({ row, part, pieces, by, isPartAlone }, check, signal)
    current.set(first, checked.row)
    yield checked
  }
}

/** A part of a row. */
interface Part {
  readonly row: CountedRow
  readonly range: TimeRange
}

function drawParts(readable: readonly Part[], { days, seed }: { days: number; seed: number }): Part[] {
  const datapointOf = ({ row: { gateway, selector } }: Part) => `${gateway} ${selectorKey(selector)}`
  const sample = drawSample(readable, datapointOf, { count: days, windowMs: sampleMs, seed })
  return sample.map(({ row: { row }, range }) => ({ row, range }))
}

async function countAll(
  { gateways, within, oldest }: Claims,
  { sink, ledger, settling }: VerifyParts,
  signal: AbortSignal,
): Promise<CountedRow[]> {
  const proofs = gateways.map(({ name: gateway, selectors }) => {
    return { gateway, claims: ledger.proofs.claims({ sink: sink.id, gateway }, selectors) }
  })
  return await countClaims(proofs, { sink, oldest, within, settling }, signal)
}

function unchanged(finding: Finding): Outcome {
  return { before: finding, after: finding, written: 0, accepted: { ranges: 0, lost: 0 } }
}

function clip(range: TimeRange, within: TimeRange): TimeRange {
  return { after: Math.max(range.after, within.after), until: Math.min(range.until, within.until) }
}
