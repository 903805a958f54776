import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { DeadLetterBox } from '../dead-letters/dead-letters.ts'
import type { Clock } from '../domain/clock.ts'
import type { Failure } from '../domain/failure.ts'
import { createSeries, seriesKey } from '../domain/point.ts'
import { addReceipt, emptyReceipt, isBalanced, type Receipt } from '../domain/receipt.ts'
import { Repeats } from '../entries/repeats.ts'
import { Tally } from '../entries/tally.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { createSeriesPool } from '../points/series.ts'
import { type ManifestEntry, readManifest } from '../sinks/bundle/manifest.ts'
import { parseLines } from '../sinks/line-protocol/parse-lines.ts'
import type { Sink } from '../sinks/sink.ts'
import { transferFailure } from './failures.ts'
import { WritesInFlight } from './writes-in-flight.ts'

export interface LoadParts {
  readonly sink: Sink
  readonly ledger: Ledger
  readonly deadLetters: DeadLetterBox
  readonly clock: Clock
}

export interface LoadOutcome {
  /** Ranges that were loaded, and those that were complete here already. */
  loaded: number
  known: number
  /** What is wrong with the bundle's list: ranges that may be missing from it. */
  readonly faults: readonly string[]
  readonly receipt: Receipt
}

const batchPoints = 10_000

/**
 * Writes a bundle into the sink: each complete transfer with the same acknowledgements as if it came from the gateway, and
 * then its range into the ledger (law 2). Ranges that are covered already are left out, so that loading twice changes
 * nothing, and the same command goes on after an interruption. Memory follows one transfer.
 */
export async function loadBundle(
  folder: string,
  parts: LoadParts,
  observe: (done: number, total: number) => void,
  signal: AbortSignal,
): Promise<LoadOutcome> {
  const { entries, faults } = readManifest(folder)
  const outcome: LoadOutcome = { loaded: 0, known: 0, faults, receipt: emptyReceipt() }
  for (const [i, entry] of entries.entries()) {
    signal.throwIfAborted()
    observe(i, entries.length)
    if (isKnown(entry, parts)) outcome.known++
    else {
      addReceipt(outcome.receipt, await loadEntry(folder, entry, parts, signal))
      outcome.loaded++
    }
  }
  return outcome
}

function isKnown(
  { gateway, selectors, after, until, provisional }: ManifestEntry,
  { sink, ledger }: LoadParts,
): boolean {
  const coverage = ledger.coverage.of({ sink: sink.id, gateway }, selectors)
  return selectors.every(selector => {
    const held = coverage.get(selector)!
    return (provisional ? held.final.add(held.provisional) : held.final).covers({ after, until })
  })
}

async function loadEntry(
  folder: string,
  entry: ManifestEntry,
  { sink, ledger, deadLetters, clock }: LoadParts,
  signal: AbortSignal,
): Promise<Receipt> {
  const { gateway, selectors, after, until, provisional } = entry
  const started = clock.now()
  const request = { gateway, selectors, range: { after, until } }
  const receipt = emptyReceipt()
  const letters = deadLetters.draft(request)
  const tally = new Tally(selectors.length)
  const repeats = Repeats.forRequest(entry.received)
  const writes = new WritesInFlight({ sink, receipt, letters, tally }, signal)
  const pool = createSeriesPool()
  const selectorsOf = selectorsBySeries(entry)
  try {
    let batch = []
    for (const point of parseLines(readWhole(folder, entry, receipt), pool.intern)) {
      const asking = selectorsOf.get(seriesKey(point.series)) ?? []
      receipt.received++
      tally.receive(asking)
      // a correction of an earlier line: the later one has the fields of both
      if (repeats.note(point) !== 'new') receipt.duplicate++
      else {
        tally.note(point, asking)
        batch.push(point)
      }
      if (batch.length < batchPoints) continue
      await writes.add(batch)
      batch = []
    }
    await writes.add(batch)
    const corrections = repeats.takeCorrections()
    if (corrections.length > 0) await writes.correct(corrections)
    await writes.settle()
    receipt.tookMs = clock.now() - started
    if (!isBalanced(receipt)) throw damaged(folder, entry, `the counts do not add up: ${JSON.stringify(receipt)}`)
    letters.commit()
    const points = tally.points().map(count => (repeats.isExact ? count : undefined))
    const [counts, series] = [tally.counts(), tally.series()]
    ledger.complete({ sink: sink.id, request, provisional, receipt, points, counts, series })
    return receipt
  } catch (error) {
    throw error instanceof RangeError || error instanceof SyntaxError ? damaged(folder, entry, error.message) : error
  } finally {
    await writes.abandon()
    letters.close()
  }
}

/** The whole file is checked before any line of it is used. */
function readWhole(folder: string, entry: ManifestEntry, receipt: Receipt): string {
  if (entry.file === undefined) return ''
  let bytes: Buffer
  try {
    bytes = readFileSync(join(folder, entry.file))
  } catch (error) {
    throw damaged(folder, entry, error instanceof Error ? error.message : String(error))
  }
  if (createHash('sha256').update(bytes).digest('hex') !== entry.sha256)
    throw damaged(folder, entry, 'its SHA-256 is not the one in the manifest')
  receipt.bytes += bytes.length
  return gunzipSync(bytes).toString('utf8')
}

function selectorsBySeries({ series }: ManifestEntry): ReadonlyMap<string, readonly number[]> {
  const found = new Map<string, number[]>()
  for (const [i, own] of series.entries())
    for (const [measurement, tags] of own) {
      const key = seriesKey(createSeries(measurement, tags))
      found.set(key, [...(found.get(key) ?? []), i])
    }
  return found
}

function damaged(folder: string, { file }: ManifestEntry, why: string): Failure {
  return transferFailure('bundle-damaged', `${join(folder, file ?? '')} is damaged: ${why}`)
}
