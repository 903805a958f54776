import type { Selector } from '../domain/datapoint.ts'
import type { Series } from '../domain/point.ts'
import type { TimeRange } from '../domain/range.ts'
import type { Claim } from '../ledger/targets.ts'
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
  /** `expired`: older than the database keeps, at least in part. */
  readonly verdict: 'equal' | 'differs' | 'unknown' | 'expired'
}

/**
 * Counts in the database what the ledger claims, row by row, because a proof cannot be compared in part. Rows outside of
 * `within` are left out. The gateway is not asked.
 */
export async function* countClaims(
  gateway: string,
  claims: readonly Claim[],
  {
    sink,
    oldest,
    within,
  }: { readonly sink: Pick<Sink, 'counts'>; readonly oldest: number; readonly within: TimeRange },
  signal: AbortSignal,
): AsyncGenerator<CountedRow> {
  for (const { selector, proofs, series } of claims)
    for (const { range, points: proof } of proofs) {
      if (range.until <= within.after || range.after >= within.until) continue
      const row = { gateway, selector, series, range, proof }
      if (range.after < oldest) yield { ...row, found: undefined, verdict: 'expired' }
      else if (proof === undefined) yield { ...row, found: undefined, verdict: 'unknown' }
      else {
        const found = await countSeries(series, range, sink, signal)
        yield { ...row, found, verdict: found === proof ? 'equal' : 'differs' }
      }
    }
}

export async function countSeries(
  series: readonly Series[],
  range: TimeRange,
  sink: Pick<Sink, 'counts'>,
  signal: AbortSignal,
): Promise<number> {
  let found = 0
  for (const points of (await sink.counts(series, range, signal)).values()) found += points
  return found
}
