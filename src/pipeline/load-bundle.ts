import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import type { DeadLetterBox, DeadLetterDraft } from '../dead-letters/dead-letters.ts'
import type { Clock } from '../domain/clock.ts'
import type { Selector } from '../domain/datapoint.ts'
import { type Failure, isAbort } from '../domain/failure.ts'
import { createSeries, type Series, seriesKey } from '../domain/point.ts'
import { answerMayHold } from '../domain/range.ts'
import { addReceipt, emptyReceipt, isBalanced, type Receipt } from '../domain/receipt.ts'
import { Remarks } from '../domain/remark.ts'
import { Repeats } from '../entries/repeats.ts'
import { Tally } from '../entries/tally.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { type BundleFile, openBundleFile } from '../sinks/bundle/bundle-file.ts'
import { manifestEntries } from '../sinks/bundle/manifest.ts'
import type { ManifestEntry } from '../sinks/bundle/manifest-line.ts'
import type { Sink } from '../sinks/sink.ts'
import { transferFailure } from './failures.ts'
import { WritesInFlight } from './writes-in-flight.ts'

interface LoadParts {
  readonly sink: Sink
  readonly ledger: Ledger
  readonly deadLetters: DeadLetterBox
  readonly clock: Clock
}

interface LoadOptions {
  /**
   * Gateways whose ranges are recorded only where the bundle holds lines of them: they can be asked, and a claim of nothing
   * would silence them.
   */
  readonly askedHere: ReadonlySet<string>
}

interface LoadOutcome {
  /** Ranges that were loaded, and those that were complete here already. */
  loaded: number
  known: number
  /** Ranges of which the bundle says that some datapoints have no entry in them, and which are not recorded for these. */
  unbelieved: number
  readonly receipt: Receipt
}

const batchPoints = 10_000
/** Corrections are found among so many points. */
const mostRemembered = 5_000_000

/**
 * Writes a bundle into the sink: each complete transfer with the same acknowledgements as if it came from the gateway, and
 * then its range into the ledger (law 2). Ranges that are covered already are left out, so that loading twice changes
 * nothing, and the same command goes on after an interruption. Memory follows one batch, and the list of one transfer.
 */
export async function loadBundle(
  folder: string,
  parts: LoadParts,
  options: LoadOptions,
  observe: (done: number) => void,
  signal: AbortSignal,
): Promise<LoadOutcome> {
  const outcome: LoadOutcome = { loaded: 0, known: 0, unbelieved: 0, receipt: emptyReceipt() }
  let done = 0
  for (const entry of manifestEntries(folder, parts.clock.now())) {
    // many ranges may be left out in a row: a stop is heard in between
    if (done % 100 === 0) await turn()
    signal.throwIfAborted()
    observe(done++)
    const isAsked = options.askedHere.has(entry.gateway)
    const claimed = isAsked ? entry.selectors.filter((_, i) => entry.series[i]!.length > 0) : entry.selectors
    if (claimed.length < entry.selectors.length) outcome.unbelieved++
    if (claimed.length === 0) continue
    if (isKnown(entry, claimed, parts)) outcome.known++
    else {
      addReceipt(outcome.receipt, await loadEntry(folder, entry, isAsked, parts, signal))
      outcome.loaded++
    }
  }
  return outcome
}

/** What could not be packed is as missing here as where the bundle was packed. */
function addNotPacked({ rejected = 0 }: ManifestEntry, receipt: Receipt, letters: DeadLetterDraft): void {
  if (rejected === 0) return
  receipt.received += rejected
  receipt.rejected += rejected
  letters.add({
    reason: 'not-packed',
    detail: 'They could not be written when the bundle was packed: their texts are among the dead letters there.',
    entries: rejected,
  })
}

function isKnown(
  { gateway, after, until, provisional }: ManifestEntry,
  claimed: readonly Selector[],
  { sink, ledger }: LoadParts,
): boolean {
  const coverage = ledger.coverage.of({ sink: sink.id, gateway }, claimed)
  return claimed.every(selector => {
    const held = coverage.get(selector)!
    return (provisional ? held.final.add(held.provisional) : held.final).covers({ after, until })
  })
}

async function loadEntry(
  folder: string,
  entry: ManifestEntry,
  isAsked: boolean,
  { sink, ledger, deadLetters, clock }: LoadParts,
  signal: AbortSignal,
): Promise<Receipt> {
  const { gateway, selectors, after, until, provisional } = entry
  const started = clock.now()
  const range = { after, until }
  const request = { gateway, selectors, range }
  const receipt = emptyReceipt()
  const letters = deadLetters.draft(request)
  const tally = new Tally(selectors.length)
  const repeats = Repeats.forRequest(Math.min(entry.received, mostRemembered))
  const remarks = new Remarks()
  const writes = new WritesInFlight({ sink, receipt, letters, tally, remarks }, signal)
  const listed = listedSeries(entry)
  const seriesOf = (measurement: string, tags: Record<string, string>) => {
    const found = listed.get(seriesKey(createSeries(measurement, tags)))
    if (found === undefined) throw new RangeError('a line is of a series that the manifest does not list')
    return found.series
  }
  const selectorsOf = new Map([...listed.values()].map(({ series, selectors: of }) => [series, of]))
  let file: BundleFile | undefined
  try {
    file = await openFile(folder, entry, signal)
    receipt.bytes += file?.bytes ?? 0
    let batch = []
    for await (const point of file?.points(seriesOf, signal) ?? []) {
      if (!answerMayHold(range, point.at)) throw new RangeError('a line is of another time than the manifest says')
      const asking = selectorsOf.get(point.series)!
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
    addNotPacked(entry, receipt, letters)
    receipt.tookMs = clock.now() - started
    if (!isBalanced(receipt)) throw damaged(folder, entry, `the counts do not add up: ${JSON.stringify(receipt)}`)
    letters.commit()
    const points = tally.points().map(count => (repeats.isExact ? count : undefined))
    const [counts, series] = [tally.counts(), tally.series()]
    const isListed = isAsked ? () => false : undefined
    ledger.complete({ sink: sink.id, request, provisional, receipt, points, counts, series, isListed })
    return receipt
  } catch (error) {
    throw isDamage(error) ? damaged(folder, entry, error.message) : error
  } finally {
    file?.close()
    await writes.abandon()
    letters.close()
  }
}

async function openFile(folder: string, entry: ManifestEntry, signal: AbortSignal): Promise<BundleFile | undefined> {
  const { file, sha256 } = entry
  if (file === undefined || sha256 === undefined) return undefined
  try {
    return await openBundleFile(folder, { file, sha256 }, signal)
  } catch (error) {
    throw isAbort(error, signal)
      ? error
      : damaged(folder, entry, error instanceof Error ? error.message : String(error))
  }
}

/** Of lines that are not ours, or that are not packed as ours are. */
function isDamage(error: unknown): error is Error {
  if (error instanceof RangeError || error instanceof SyntaxError) return true
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return code.startsWith('Z_') || code === 'ERR_ENCODING_INVALID_ENCODED_DATA'
}

interface ListedSeries {
  readonly series: Series
  /** Positions of the selectors that asked for it. */
  readonly selectors: number[]
}

function listedSeries({ series }: ManifestEntry): ReadonlyMap<string, ListedSeries> {
  const found = new Map<string, ListedSeries>()
  for (const [i, own] of series.entries())
    for (const [measurement, tags] of own) {
      const one = createSeries(measurement, tags)
      const key = seriesKey(one)
      const known = found.get(key)
      if (known === undefined) found.set(key, { series: one, selectors: [i] })
      else known.selectors.push(i)
    }
  return found
}

function damaged(folder: string, { file }: ManifestEntry, why: string): Failure {
  return transferFailure('bundle-damaged', `${join(folder, file ?? '')} is damaged: ${why}`)
}
