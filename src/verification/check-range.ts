import { type Series, seriesKey } from '../domain/point.ts'
import { isSameRange, type TimeRange } from '../domain/range.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { type Settling, settle } from '../sinks/settle.ts'
import type { Sink } from '../sinks/sink.ts'
import { type CountedRow, countSeries } from './counts.ts'
import {
  type Finding,
  findingOfCount,
  findingOfEntries,
  findingOfPart,
  heldOf,
  isInconsistent,
  provenCount,
} from './finding.ts'
import type { Reread } from './reread.ts'
import { addCompared, addExample, type Compared, emptyCompared } from './tallies.ts'

export interface CheckParts {
  readonly sink: Pick<Sink, 'id' | 'counts'>
  readonly ledger: { readonly proofs: Pick<Ledger['proofs'], 'restate'> }
  /** Reads from the gateway and compares; where that is wanted, it repairs what differs. */
  readonly reread: (row: CountedRow, range: TimeRange) => AsyncIterable<Reread>
  readonly settling: Settling
  /** True if the gateway still has all of a row, as far as it says. */
  readonly reaches: (row: CountedRow) => boolean
  /**
   * True: the user accepts a loss. What neither the database nor the gateway has is proven no more, and what was never
   * counted is proven as it is.
   */
  readonly accept: boolean
}

/** A row or a part of it, before and after the repair. */
export interface Checked {
  /** As it is now. */
  readonly row: CountedRow
  readonly before: Finding
  readonly after: Finding
  /** Points that the repair has written. */
  readonly written: number
  /** What is now proven only because the user accepts it. */
  readonly accepted: { readonly ranges: number; readonly lost: number }
}

interface Check {
  readonly row: CountedRow
  readonly part: TimeRange
  /** What to read, in this order; together they are the part. */
  readonly pieces: readonly TimeRange[]
  /** `count`: read until the count is explained, and no further. `entries`: compare all of it. */
  readonly by: 'count' | 'entries'
  /** The user asks for this part of the row alone, so that the rest is not judged. */
  readonly isPartAlone: boolean
}

/** Reads a part of a row from the gateway, compares it, and proves its count anew where that can be done honestly. */
export async function checkRange(
  { row, part, pieces, by, isPartAlone }: Check,
  parts: CheckParts,
  signal: AbortSignal,
): Promise<Checked> {
  const reading = emptyReading()
  const isEnough = () => by === 'count' && isExplained(row, reading)
  for (const piece of pieces) {
    if (isEnough()) break
    for await (const window of parts.reread(row, piece)) {
      addWindow(reading, window)
      if (isEnough()) break
    }
  }
  const isWhole = isSameRange(part, row.range) && !isEnough()
  const series = joinSeries(row.series, reading.series)
  const { accepted, ...now } = await prove({ row, reading, isWhole, series }, parts, signal)
  const repaired = reading.before.missing - reading.after.missing
  const earlier = {
    ...row,
    found: row.found === undefined || now.found === undefined ? row.found : now.found - repaired,
  }
  const after = { ...row, ...now, series, verdict: row.verdict === 'expired' ? row.verdict : verdictOf(now) }
  // what the gateway has pruned, or what was not read, may be what the row is short of
  const isJudgedAlone = isPartAlone && !isEnough() && isShort(after) && hasAll(part, row, reading, parts)
  const judge = (it: CountedRow, compared: Compared) => {
    if (isJudgedAlone) return findingOfPart(it, part, compared)
    return by === 'count' && it.found !== undefined
      ? findingOfCount(it, compared, isWhole)
      : findingOfEntries(it, part, compared, isWhole)
  }
  return {
    row: after,
    before: judge(earlier, reading.before),
    after: judge(after, reading.after),
    written: reading.written,
    accepted,
  }
}

function isShort({ proof, found }: CountedRow): boolean {
  return proof !== undefined && found !== undefined && found < proof
}

/** A gateway prunes the oldest first: it has all of the part if it still has its beginning. */
function hasAll(part: TimeRange, row: CountedRow, { earliest }: Reading, { reaches }: CheckParts): boolean {
  return earliest?.after === part.after && earliest.hasEntries && reaches({ ...row, range: part })
}

interface Read {
  readonly row: CountedRow
  readonly reading: Reading
  readonly isWhole: boolean
  readonly series: readonly Series[]
}

async function prove({ row, reading, isWhole, series }: Read, parts: CheckParts, signal: AbortSignal) {
  const { gateway, selector, range } = row
  const isExpired = row.verdict === 'expired'
  const hasNewSeries = series.length > row.series.length
  const count = () => countSeries(series, range, parts.sink, signal)
  let proof = isWhole && !isExpired ? provenCount(row, reading.after, parts.reaches(row)) : row.proof
  let found = row.found
  const isStale = reading.written > 0 || hasNewSeries || found === undefined || isInconsistent(row, reading.after)
  // a proof is lowered by nothing but a count that stands still
  const isToFall = parts.accept && isWhole && proof !== undefined && found !== undefined && found < proof
  if (!isExpired && (isStale || isToFall)) {
    const { settling } = parts
    const answer = await count()
    const since = answer === row.found ? row.since : undefined
    const least = Math.max(proof ?? 0, heldOf(reading.after))
    const settled = await settle(
      { answer, since: since ?? settling.clock.elapsed() },
      count,
      points => (points < least ? String(points) : undefined),
      settling,
      signal,
    )
    found = settled.answer
  }
  let accepted = { ranges: 0, lost: 0 }
  const { missing, different, unread } = reading.after
  const isCertain = isWhole && missing + different + unread === 0 && !isInconsistent({ found }, reading.after)
  if (parts.accept && isCertain && found !== undefined)
    if (proof === undefined || found < proof) {
      accepted = { ranges: 1, lost: proof === undefined ? 0 : proof - found }
      proof = found
    }
  if (proof !== row.proof || hasNewSeries)
    parts.ledger.proofs.restate({ sink: parts.sink.id, gateway }, selector, { range, points: proof }, series)
  return { proof, found: proof === undefined ? undefined : found, accepted }
}

/** As many points were repaired as the count was short of: the gateway need not be asked for more (law 7). */
function isExplained({ proof, found }: CountedRow, { before, after }: Reading): boolean {
  return proof !== undefined && found !== undefined && found < proof && before.missing - after.missing >= proof - found
}

function verdictOf({ proof, found }: Pick<CountedRow, 'proof' | 'found'>): CountedRow['verdict'] {
  return proof === undefined || found === undefined ? 'unknown' : found === proof ? 'equal' : 'differs'
}

/** By their tags: each reading makes new objects. */
function joinSeries(known: readonly Series[], seen: ReadonlySet<Series>): Series[] {
  return [...new Map([...seen, ...known].map(one => [seriesKey(one), one])).values()]
}

/** The windows of a range that were read from the gateway and compared. */
interface Reading {
  readonly before: Compared
  /** As `before` where nothing was repaired. */
  readonly after: Compared
  /** Points that were written by the repair. */
  written: number
  readonly series: Set<Series>
  /** The earliest window that was read, and whether the gateway has entries of it. */
  earliest: { readonly after: number; readonly hasEntries: boolean } | undefined
}

function emptyReading(): Reading {
  return { before: emptyCompared(), after: emptyCompared(), written: 0, series: new Set(), earliest: undefined }
}

function addWindow(reading: Reading, window: Reread): void {
  const { before, after, earliest } = reading
  if (earliest === undefined || window.range.after < earliest.after)
    reading.earliest = { after: window.range.after, hasEntries: hasEntries(window) }
  if ('failure' in window) {
    for (const side of [before, after]) {
      side.unread++
      addExample(side, { of: 'unread', text: `not read: ${window.failure.message}` })
    }
    return
  }
  const { comparison, repaired } = window
  addCompared(before, comparison)
  addCompared(after, repaired?.comparison ?? comparison)
  reading.written += repaired?.written ?? 0
  for (const one of comparison.series) reading.series.add(one)
}

function hasEntries(window: Reread): boolean {
  if ('failure' in window) return false
  const { equal, missing, different } = window.comparison
  return equal + missing + different > 0
}
