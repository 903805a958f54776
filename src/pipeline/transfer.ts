import type { Clock } from '../domain/clock.ts'
import { selectorMatches } from '../domain/datapoint.ts'
import { type Frame, isRejection, type LogEntry, type Rejection } from '../domain/entry.ts'
import { Failure } from '../domain/failure.ts'
import type { Point } from '../domain/point.ts'
import { rangeHolds } from '../domain/range.ts'
import { emptyReceipt, isBalanced, type Receipt } from '../domain/receipt.ts'
import { type DataLogRequest, requestText } from '../domain/request.ts'
import type { DeadLetterBox, DeadLetterDraft } from '../ledger/dead-letters.ts'
import type { Mapping } from '../points/mapping.ts'
import type { Sink } from '../sinks/sink.ts'
import { decodeEntry } from '../smartserver/entry.ts'
import { Repeats } from './repeats.ts'
import { WritesInFlight } from './writes-in-flight.ts'

/** Where entries come from: a gateway, as far as a transfer sees it. */
export interface LogSource {
  /** Returns normally only after `"end"`. */
  readDataLog(request: DataLogRequest, signal: AbortSignal): AsyncIterable<readonly Frame[]>
}

export interface TransferParts {
  readonly source: LogSource
  readonly mapping: Mapping
  readonly sink: Sink
  readonly deadLetters: DeadLetterBox
  readonly clock: Clock
  /** Durable when it returns: the ledger's transaction. */
  readonly record: (receipt: Receipt) => void
}

/**
 * One request carried all the way: open it, and for each batch of entries decode, map, write, wait for the answer;
 * `"end"` seen and every batch answered → dead letters, then the ledger, durably (law 2). Anything else throws, and
 * nothing of the range is recorded: the same entries come again and give the same points (law 4).
 */
export async function transfer(request: DataLogRequest, parts: TransferParts, signal: AbortSignal): Promise<Receipt> {
  const started = parts.clock.now()
  const receipt = emptyReceipt()
  const letters = parts.deadLetters.draft(request)
  const writes = new WritesInFlight(parts.sink, receipt, letters, signal)
  const repeats = new Repeats()
  try {
    for await (const frames of parts.source.readDataLog(request, signal)) {
      const points = pointsOf(frames, request, parts.mapping, { receipt, letters, repeats })
      await writes.add(points)
      const corrections = repeats.takeCorrections()
      if (corrections.length > 0) await writes.correct(corrections)
    }
    await writes.settle()
    receipt.tookMs = parts.clock.now() - started
    if (!isBalanced(receipt)) throw unbalanced(request, receipt)
    letters.commit()
    parts.record(receipt)
    return receipt
  } finally {
    // first the writes: what the sink still refuses goes to the draft, and would open it anew
    await writes.abandon()
    letters.close()
  }
}

interface Account {
  readonly receipt: Receipt
  readonly letters: DeadLetterDraft
  readonly repeats: Repeats
}

/** Every frame ends in exactly one of: outside, duplicate, empty, rejected, or a point to write (law 5). */
function pointsOf(frames: readonly Frame[], request: DataLogRequest, mapping: Mapping, account: Account): Point[] {
  const { receipt, letters, repeats } = account
  const points: Point[] = []
  for (const frame of frames) {
    receipt.received++
    receipt.bytes += frame.length
    const reject = ({ reason, detail }: Rejection) => {
      receipt.rejected++
      letters.add({ reason, detail, raw: frame })
    }
    const entry = decodeEntry(frame)
    if (isRejection(entry)) {
      reject(entry)
    } else if (!isAskedFor(entry, request)) {
      receipt.outside++
    } else {
      const point = mapping.map(entry)
      if (point === undefined) receipt.empty++
      else if ('reason' in point) reject(point)
      else {
        const repeat = repeats.note(point)
        if (repeat === 'new') points.push(point)
        else {
          receipt.duplicate++
          if (repeat === 'differs') receipt.collapsed++
        }
      }
    }
  }
  return points
}

/** The gateway's filters are not relied upon: some releases ignore them (protocol §2.1). */
function isAskedFor(entry: LogEntry, { selectors, range }: DataLogRequest): boolean {
  return rangeHolds(range, entry.at) && selectors.some(selector => selectorMatches(selector, entry.datapoint))
}

function unbalanced(request: DataLogRequest, receipt: Receipt): Failure {
  return new Failure(`the counts of ${requestText(request)} do not add up: ${JSON.stringify(receipt)}`, {
    code: 'unbalanced',
    retry: 'never',
    reach: 'run',
    advice: 'This is a bug: please report it with this line. Nothing of this range was recorded as complete.',
  })
}
