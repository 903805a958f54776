import type { Selector } from '../domain/datapoint.ts'
import { type Series, seriesKey } from '../domain/point.ts'
import { rangeLength, type TimeRange } from '../domain/range.ts'
import type { Claim } from '../ledger/proof.ts'
import { type Settling, settle } from '../sinks/settle.ts'
import type { Sink } from '../sinks/sink.ts'

/** A row of the ledger: a range that it calls complete, counted in the database. */
export interface CountedRow {
  readonly gateway: string
  readonly selector: Selector
  readonly series: readonly Series[]
  readonly range: TimeRange
  /** Points that the ledger has proof of; undefined: not known. */
  readonly proof: number | undefined
  /** Points that the database holds; undefined: not counted. */
  readonly found: number | undefined
  /** The count has been the same since then, by the clock's `elapsed`. */
  readonly since?: number | undefined
  /** `expired`: older than the database keeps, at least in part. */
  readonly verdict: 'equal' | 'differs' | 'unknown' | 'expired'
}

interface GatewayProofs {
  readonly gateway: string
  readonly claims: readonly Claim[]
}

interface CountParts {
  readonly sink: Pick<Sink, 'counts'>
  readonly oldest: number
  readonly within: TimeRange
  readonly settling: Settling
}

/**
 * Counts in the database what the ledger claims, row by row, because a proof cannot be compared in part. Rows outside of
 * `within` are left out. The gateway is not asked.
 */
export async function countClaims(
  proofs: readonly GatewayProofs[],
  { sink, oldest, within, settling }: CountParts,
  signal: AbortSignal,
): Promise<CountedRow[]> {
  const rows = proofs.flatMap(({ gateway, claims }) =>
    claims.flatMap(({ selector, proofs, series }) =>
      proofs
        .filter(({ range }) => range.until > within.after && range.after < within.until)
        .map(({ range, points: proof }): CountedRow => {
          const verdict = range.after < oldest ? 'expired' : 'unknown'
          return { gateway, selector, series, range, proof, found: undefined, verdict }
        }),
    ),
  )
  const isCounted = ({ verdict, proof }: CountedRow) => verdict !== 'expired' && proof !== undefined
  const counted = await countRows(rows.filter(isCounted), sink, signal)
  const shortRows = (counts: ReadonlyMap<CountedRow, number>) =>
    [...counts].filter(([{ proof }, found]) => found < proof!).map(([row]) => row)
  const { answer: counts, since } = await settle(
    { answer: counted, since: settling.clock.elapsed() },
    async last => new Map([...last, ...(await countRows(shortRows(last), sink, signal))]),
    last => {
      const short = shortRows(last)
      return short.length === 0 ? undefined : short.map(row => last.get(row)).join()
    },
    settling,
    signal,
  )
  return rows.map(row => {
    const found = counts.get(row)
    return found === undefined ? row : { ...row, found, since, verdict: found === row.proof ? 'equal' : 'differs' }
  })
}

/** What is to be counted: series in a range. */
type Countable = Pick<CountedRow, 'series' | 'range'>

/** Rows of the same range are counted in one call: most of them are of one backfill, for thousands of datapoints. */
async function countRows<Row extends Countable>(
  rows: readonly Row[],
  sink: Pick<Sink, 'counts'>,
  signal: AbortSignal,
): Promise<Map<Row, number>> {
  const found = new Map<Row, number>()
  for (const group of Map.groupBy(rows, ({ range: { after, until } }) => `${after} ${until}`).values()) {
    // selectors may overlap: a series is asked for once
    const series = new Map(group.flatMap(row => row.series).map(one => [seriesKey(one), one]))
    const counts = new Map<string, number>()
    for (const [one, n] of await sink.counts([...series.values()], group[0]!.range, signal))
      counts.set(seriesKey(one), n)
    for (const row of group) found.set(row, sumOf(row.series.map(one => counts.get(seriesKey(one)) ?? 0)))
  }
  return found
}

export async function countSeries(
  series: readonly Series[],
  range: TimeRange,
  sink: Pick<Sink, 'counts'>,
  signal: AbortSignal,
): Promise<number> {
  return sumOf([...(await sink.counts(series, range, signal)).values()])
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, n) => sum + n, 0)
}

/** More pieces would cost the database more than they save the gateway. */
const mostPieces = 64
const mostCounts = 10_000

/**
 * A part of a row in which points are missing, in pieces of about one request. Pieces with the fewest points come first,
 * because the gateway is asked only until all that is missing was found (law 7). A wrong order costs requests, nothing else.
 */
export async function suspectPieces(
  { proof, found, series }: CountedRow,
  part: TimeRange,
  entries: number,
  sink: Pick<Sink, 'counts'>,
  signal: AbortSignal,
): Promise<TimeRange[]> {
  if (proof === undefined || found === undefined || found >= proof) return [part]
  const count = Math.min(Math.ceil(proof / entries), mostPieces, Math.floor(mostCounts / Math.max(1, series.length)))
  const pieces = cutEvenly(part, count)
  if (pieces.length === 1) return pieces
  const counted: { range: TimeRange; points: number }[] = []
  for (const range of pieces) counted.push({ range, points: await countSeries(series, range, sink, signal) })
  return counted.sort((a, b) => a.points - b.points).map(({ range }) => range)
}

function cutEvenly(range: TimeRange, count: number): TimeRange[] {
  const stepMs = Math.ceil(rangeLength(range) / Math.max(1, count))
  const pieces: TimeRange[] = []
  for (let { after } = range; after < range.until; after += stepMs)
    pieces.push({ after, until: Math.min(range.until, after + stepMs) })
  return pieces
}
