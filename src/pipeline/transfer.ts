import type { DeadLetterBox, DeadLetterDraft } from '../dead-letters/dead-letters.ts'
import type { Clock } from '../domain/clock.ts'
import type { IdMeaning } from '../domain/device-meaning.ts'
import type { Frame, LogEntry } from '../domain/entry.ts'
import { type Failure, ownFailure } from '../domain/failure.ts'
import { type Point, type Series, seriesLabel } from '../domain/point.ts'
import { type Counts, emptyReceipt, isBalanced, type Receipt } from '../domain/receipt.ts'
import { type Remarked, Remarks } from '../domain/remark.ts'
import { type DataLogRequest, requestText } from '../domain/request.ts'
import { createEntryReader, type Fates } from '../entries/entry-reader.ts'
import { datapointLabel } from '../entries/letter-point.ts'
import { Repeats } from '../entries/repeats.ts'
import { Tally } from '../entries/tally.ts'
import type { EntryLimit } from '../planning/window.ts'
import type { Mapping } from '../points/mapping.ts'
import type { Sink, WriteWaiting } from '../sinks/sink.ts'
import { transferFailure } from './failures.ts'
import { WritesInFlight } from './writes-in-flight.ts'

/** Where entries come from: a gateway, as far as a transfer sees it. */
export interface LogSource {
  /** The gateway's own, as far as it is known. */
  readonly clock: { now(): number }
  /** Returns normally only after `"end"`. */
  readDataLog(request: DataLogRequest, signal: AbortSignal): AsyncIterable<readonly Frame[]>
  /** The id of the device that an entry names so, where it is known. */
  deviceIdOf?(shown: string): string | undefined
  /** What a configured id means in an entry that bears this name; left out where no device is configured by its id. */
  idMeaning?(id: string, name: string): IdMeaning
}

export interface TransferParts {
  readonly source: LogSource
  readonly mapping: Mapping
  readonly sink: Sink
  readonly deadLetters: DeadLetterBox
  readonly clock: Clock
  /** Beyond it the request is cut off: to be asked for in shorter ranges, or given up where it cannot be shorter. */
  readonly limit: EntryLimit
  /** True: what it proves is provisional. Throws where nothing may be recorded of it. */
  readonly judge: (proof: TransferProof) => boolean
  /** How long the gateway's socket may stay open for a database that is away; left out: for ever. */
  readonly waiting?: WriteWaiting
  /** Durable when it returns: the ledger's transaction. */
  readonly record: (proof: TransferProof, provisional: boolean) => void
}

/** What a complete transfer proves. */
export interface TransferProof {
  readonly receipt: Receipt
  /** Distinct points acknowledged, for each selector in its order; undefined where they could not be distinguished. */
  readonly points: readonly (number | undefined)[]
  /** What else was counted for each selector. */
  readonly counts: readonly Counts[]
  /** The series that they went to, for each selector in its order. */
  readonly series: readonly (readonly Series[])[]
  readonly remarks: readonly Remarked[]
  /** The newest entry of the range, ms UTC; undefined: there was none. */
  readonly newestEntry: number | undefined
}

/**
 * One request carried all the way: open it, and for each batch of entries decode, map, write, wait for the answer;
 * `"end"` seen and every batch answered → dead letters, then the ledger, durably (law 2). Anything else throws, and
 * nothing of the range is recorded: the same entries come again and give the same points (law 4).
 */
export async function transfer(request: DataLogRequest, parts: TransferParts, signal: AbortSignal): Promise<Receipt> {
  const started = parts.clock.now()
  const account = createAccount(request, parts)
  const { receipt, letters, repeats, tally, remarks } = account
  const draft = parts.sink.begin?.(request)
  const { waiting } = parts
  const writes = new WritesInFlight({ sink: draft ?? parts.sink, receipt, letters, tally, remarks, waiting }, signal)
  try {
    for await (const frames of parts.source.readDataLog(request, signal)) {
      const batch = account.take(frames)
      parts.mapping.keepPins()
      await writes.add(batch.points, batch.frames)
      const corrections = repeats.takeCorrections()
      if (corrections.length > 0) await writes.correct(corrections)
      if (receipt.received > parts.limit.mostEntries) throw tooDense(request, account, parts.limit)
    }
    await writes.settle()
    receipt.tookMs = parts.clock.now() - started
    if (!isBalanced(receipt)) throw unbalanced(request, receipt)
    const proof = proofOf(request, account)
    const provisional = parts.judge(proof)
    const { received, written, rejected } = receipt
    draft?.commit({ provisional, received, written, rejected, series: proof.series })
    letters.commit()
    parts.record(proof, provisional)
    return receipt
  } finally {
    // first: a write that is still under way may add a letter
    await writes.abandon()
    letters.close()
    draft?.close()
  }
}

function proofOf({ range }: DataLogRequest, { receipt, tally, repeats, remarks, newest }: Account): TransferProof {
  return {
    receipt,
    points: tally.points().map(count => (repeats.isExact ? count : undefined)),
    counts: tally.counts(),
    series: tally.series(),
    remarks: remarks.all(),
    newestEntry: newest > range.after ? newest : undefined,
  }
}

/** The points of one batch of frames, each with the frame that it was made of. */
interface Batch {
  readonly points: Point[]
  readonly frames: Frame[]
}

/** Where every entry of a transfer is accounted for. */
interface Account {
  readonly receipt: Receipt
  readonly letters: DeadLetterDraft
  readonly repeats: Repeats
  readonly tally: Tally
  readonly remarks: Remarks
  /** Of the entries asked for, the newest so far, ms UTC. */
  readonly newest: number
  /** The points to write. Every frame ends in exactly one count of the receipt (law 5). */
  take(frames: readonly Frame[]): Batch
}

function createAccount(request: DataLogRequest, { source, deadLetters, mapping, limit }: TransferParts): Account {
  const receipt = emptyReceipt()
  const letters = deadLetters.draft(request)
  const repeats = Repeats.forRequest(limit.canBeShorter ? limit.mostEntries : Number.POSITIVE_INFINITY)
  const tally = new Tally(request.selectors.length)
  const remarks = new Remarks()
  const read = createEntryReader(request, {
    mapping,
    deviceIdOf: source.deviceIdOf,
    idMeaning: source.idMeaning,
    clock: source.clock,
  })
  let newest = request.range.after
  let batch: Batch = { points: [], frames: [] }
  const receive = ({ at }: LogEntry, selectors: readonly number[]) => {
    tally.receive(selectors)
    if (at.ms > newest) newest = at.ms
  }
  const fates: Fates = {
    outside(_, isForeign, isFuture) {
      receipt.outside++
      if (isForeign) receipt.foreign++
      if (isFuture) receipt.future++
    },
    empty(entry, selectors) {
      receive(entry, selectors)
      receipt.empty++
    },
    rejected({ reason, detail }, raw, entry, selectors) {
      receipt.rejected++
      tally.reject(selectors)
      if (entry === undefined) letters.add({ reason, detail, raw })
      else {
        receive(entry, selectors)
        letters.add({ reason, detail, raw, datapoint: datapointLabel(entry.datapoint) })
      }
    },
    point(point, frame, entry, selectors) {
      receive(entry, selectors)
      const repeat = repeats.note(point)
      if (repeat === 'new') {
        tally.note(point, selectors)
        if (point.remark !== undefined) {
          receipt[point.remark.kind]++
          remarks.add(seriesLabel(point.series), point.remark)
        }
        batch.points.push(point)
        batch.frames.push(frame)
      } else {
        receipt.duplicate++
        if (repeat === 'differs') receipt.collapsed++
      }
    },
  }
  return {
    receipt,
    letters,
    repeats,
    tally,
    remarks,
    get newest() {
      return newest
    },
    take(frames) {
      batch = { points: [], frames: [] }
      for (const frame of frames) {
        receipt.received++
        receipt.bytes += frame.length
        read(frame, fates)
      }
      return batch
    },
  }
}

/** `reached` lets the next range be as long as the density of the log allows. */
function tooDense(request: DataLogRequest, { receipt, newest }: Account, { canBeShorter }: EntryLimit): Failure {
  const holds = `${requestText(request)} holds more than ${receipt.received} entries`
  const work = { gateway: request.gateway, range: request.range, entries: receipt.received, reached: newest }
  if (canBeShorter) return transferFailure('too-dense', `${holds}: asking for less at once`, { work })
  return transferFailure('too-dense-for-shortest', `${holds}, and requests.shortest allows no shorter range`, { work })
}

function unbalanced(request: DataLogRequest, receipt: Receipt): Failure {
  return ownFailure('unbalanced', `the counts of ${requestText(request)} do not add up: ${JSON.stringify(receipt)}`)
}
