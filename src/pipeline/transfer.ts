import type { Clock } from '../domain/clock.ts'
import { type Frame, isRejection, type Rejection } from '../domain/entry.ts'
import { Failure } from '../domain/failure.ts'
import type { Point, Series } from '../domain/point.ts'
import { type Counts, emptyReceipt, isBalanced, type Receipt } from '../domain/receipt.ts'
import { type DataLogRequest, requestText } from '../domain/request.ts'
import { type AskedFor, createAskedFor, ofForeignDevice } from '../entries/asked-for.ts'
import { createIdentify, type Identify } from '../entries/identify.ts'
import { datapointLabel } from '../entries/letter-point.ts'
import { Repeats } from '../entries/repeats.ts'
import { Tally } from '../entries/tally.ts'
import type { DeadLetterBox, DeadLetterDraft } from '../ledger/dead-letters.ts'
import type { Mapping } from '../points/mapping.ts'
import type { Sink, WriteWaiting } from '../sinks/sink.ts'
import { decodeEntry, gatewayError } from '../smartserver/entry.ts'
import { WritesInFlight } from './writes-in-flight.ts'

/** Where entries come from: a gateway, as far as a transfer sees it. */
export interface LogSource {
  /** The gateway's own, as far as it is known. */
  readonly clock: { now(): number }
  /** Returns normally only after `"end"`. */
  readDataLog(request: DataLogRequest, signal: AbortSignal): AsyncIterable<readonly Frame[]>
  /** The id of the device that an entry names so, where the gateway has told. */
  deviceIdOf?(shown: string): string | undefined
}

export interface TransferParts {
  readonly source: LogSource
  readonly mapping: Mapping
  readonly sink: Sink
  readonly deadLetters: DeadLetterBox
  readonly clock: Clock
  /** More entries than this are too many for one request: it is cut off, to be asked for in shorter ranges. */
  readonly mostEntries: number
  /** True: it will be looked at once more. For sinks that keep whole transfers. */
  readonly provisional?: boolean
  /** How long the gateway's socket may stay open for a database that is away; left out: for ever. */
  readonly waiting?: WriteWaiting
  /** Durable when it returns: the ledger's transaction. */
  readonly record: (proof: TransferProof) => void
}

/** What a complete transfer proves. */
export interface TransferProof {
  readonly receipt: Receipt
  /** Distinct points acknowledged, for each selector in its order; undefined where they could not be told apart. */
  readonly points: readonly (number | undefined)[]
  /** What else can be told for each selector. */
  readonly counts: readonly Counts[]
  /** The series that they went to, for each selector in its order. */
  readonly series: readonly (readonly Series[])[]
}

/** The gateway's clock is known no better than this; what is later is of the future. */
const clockDoubtMs = 60_000

/**
 * One request carried all the way: open it, and for each batch of entries decode, map, write, wait for the answer;
 * `"end"` seen and every batch answered → dead letters, then the ledger, durably (law 2). Anything else throws, and
 * nothing of the range is recorded: the same entries come again and give the same points (law 4).
 */
export async function transfer(request: DataLogRequest, parts: TransferParts, signal: AbortSignal): Promise<Receipt> {
  const started = parts.clock.now()
  const account = openAccount(request, parts)
  const { receipt, letters, repeats, tally } = account
  const draft = parts.sink.begin?.(request)
  const { waiting } = parts
  const writes = new WritesInFlight({ sink: draft ?? parts.sink, receipt, letters, tally, waiting }, signal)
  try {
    for await (const frames of parts.source.readDataLog(request, signal)) {
      const mapped = pointsOf(frames, account)
      parts.mapping.keepPins()
      await writes.add(mapped.points, mapped.frames)
      const corrections = repeats.takeCorrections()
      if (corrections.length > 0) await writes.correct(corrections)
      if (receipt.received > parts.mostEntries) throw tooDense(request, account)
    }
    await writes.settle()
    receipt.tookMs = parts.clock.now() - started
    if (!isBalanced(receipt)) throw unbalanced(request, receipt)
    const series = tally.series()
    draft?.commit({
      provisional: parts.provisional ?? false,
      received: receipt.received,
      written: receipt.written,
      series,
    })
    letters.commit()
    const points = tally.points().map(count => (repeats.isExact ? count : undefined))
    parts.record({ receipt, points, counts: tally.counts(), series })
    return receipt
  } finally {
    // first: a write that is still under way may add a letter
    await writes.abandon()
    letters.close()
    draft?.close()
  }
}

/** Where every entry of a transfer is accounted for. */
interface Account {
  readonly request: DataLogRequest
  readonly receipt: Receipt
  readonly letters: DeadLetterDraft
  readonly repeats: Repeats
  readonly tally: Tally
  readonly identify: Identify
  readonly askedFor: AskedFor
  readonly mapping: Mapping
  /** Later than this is the future, ms UTC. */
  readonly present: () => number
  /** Of the entries asked for, the newest so far, ms UTC. */
  newest: number
}

function openAccount(request: DataLogRequest, { source, deadLetters, mapping, mostEntries }: TransferParts): Account {
  return {
    request,
    receipt: emptyReceipt(),
    letters: deadLetters.draft(request),
    repeats: Repeats.forRequest(mostEntries),
    tally: new Tally(request.selectors.length),
    identify: createIdentify(request, source.deviceIdOf),
    askedFor: createAskedFor(request),
    mapping,
    present: () => source.clock.now() + clockDoubtMs,
    newest: request.range.after,
  }
}

/** Every frame ends in exactly one of: outside, duplicate, empty, rejected, or a point to write (law 5). */
function pointsOf(frames: readonly Frame[], account: Account): { points: Point[]; frames: Frame[] } {
  const { receipt, letters, repeats, tally, identify, askedFor, mapping } = account
  const points: Point[] = []
  const framesOfPoints: Frame[] = []
  const present = account.present()
  for (const frame of frames) {
    receipt.received++
    receipt.bytes += frame.length
    const decoded = decodeEntry(frame)
    if (isRejection(decoded) && decoded.reason === gatewayError) throw toldError(account.request, frame)
    const entry = isRejection(decoded) ? decoded : identify(decoded)
    if (isRejection(entry)) {
      reject(entry, frame, undefined)
      continue
    }
    const selectors = askedFor(entry)
    if (selectors.length === 0) {
      receipt.outside++
      if (selectors === ofForeignDevice) receipt.foreign++
      if (entry.at.ms > present) receipt.future++
      continue
    }
    tally.receive(selectors)
    if (entry.at.ms > account.newest) account.newest = entry.at.ms
    const point = mapping.map(entry)
    if (point === undefined) receipt.empty++
    else if ('reason' in point) {
      tally.reject(selectors)
      reject(point, frame, datapointLabel(entry.datapoint))
    } else {
      const repeat = repeats.note(point)
      if (repeat === 'new') {
        tally.note(point, selectors)
        points.push(point)
        framesOfPoints.push(frame)
      } else {
        receipt.duplicate++
        if (repeat === 'differs') receipt.collapsed++
      }
    }
  }
  return { points, frames: framesOfPoints }

  function reject({ reason, detail }: Rejection, raw: Frame, datapoint: string | undefined): void {
    receipt.rejected++
    letters.add({ reason, detail, raw, ...(datapoint === undefined ? {} : { datapoint }) })
  }
}

/** Not a fault of anybody's: `reached` lets the next range be as long as the log is dense. */
function tooDense(request: DataLogRequest, { receipt, newest }: Account): Failure {
  return new Failure(`${requestText(request)} holds more than ${receipt.received} entries: asking for less at once`, {
    code: 'too-dense',
    retry: 'soon',
    reach: 'request',
    work: { gateway: request.gateway, range: request.range, entries: receipt.received, reached: newest },
  })
}

/** An answer with an error in it is not the whole answer, though an "end" may follow: a failure, no bad datum (law 13). */
function toldError(request: DataLogRequest, frame: Frame): Failure {
  return new Failure(`the gateway tells of an error in ${requestText(request)}: ${frame.slice(0, 200)}`, {
    code: gatewayError,
    retry: 'soon',
    reach: 'request',
    work: { gateway: request.gateway, range: request.range },
  })
}

function unbalanced(request: DataLogRequest, receipt: Receipt): Failure {
  return new Failure(`the counts of ${requestText(request)} do not add up: ${JSON.stringify(receipt)}`, {
    code: 'unbalanced',
    retry: 'never',
    reach: 'run',
    advice: 'This is a bug: please report it with this line. Nothing of this range was recorded as complete.',
  })
}
