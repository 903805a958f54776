import type { Logger } from 'pino'
import type { Rejection } from '../domain/entry.ts'
import { Failure, ownFailure } from '../domain/failure.ts'
import { pointKey } from '../domain/point.ts'
import { type EntryReader, unknownDeviceId } from '../entries/entry-reader.ts'
import { joinFields } from '../entries/repeats.ts'
import { type MappedPoint, writeAndRestate } from '../entries/write-and-restate.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Mapping } from '../points/mapping.ts'
import { createSeriesPool } from '../points/series.ts'
import type { Sink } from '../sinks/sink.ts'
import type { KeptLetter } from './dead-letters.ts'
import { contentOf } from './letter-content.ts'
import { LetterRemainder, letterFiles } from './letter-files.ts'
import { readLetterLines } from './letter-lines.ts'

interface ReplayParts {
  readonly sink: Sink
  readonly ledger: Ledger
  /** Folder of the dead letters. */
  readonly folder: string
  /** The gateways that are configured today. */
  readonly gateways: readonly ReplayGateway[]
  readonly log: Logger
}

interface ReplayGateway {
  /** After `hello`, `readLetter` knows the gateway's devices. */
  readonly source: { readonly name: string; hello(signal: AbortSignal): Promise<unknown> }
  /** Reads a frame by the rules of today, whatever its time. */
  readonly readLetter: EntryReader
  readonly mapping: Pick<Mapping, 'keepPins'>
}

/** `read = written + empty + remaining + others`, always (law 5). */
interface ReplayReceipt {
  read: number
  /** Letters whose points the sink has acknowledged. */
  written: number
  /** By the rules of today there is nothing to write. */
  empty: number
  /** Still not writable: kept. */
  remaining: number
  /** With another reason than was asked for: kept as they are. */
  others: number
  /** Given up by a person: kept as they are, and not counted as read. */
  discarded: number
  /** Lines that are not letters: kept byte for byte, and not counted as read. */
  unreadable: number
  readonly reasons: Map<string, number>
}

/** Letters that are in memory at a time. */
const batchLetters = 1_000

/**
 * Tries the dead letters once more: reads them by the rules of today, writes, and waits for the answer. What still fails
 * is kept with its new reason. A file is replaced only after all of its letters are answered: if the replay ends before,
 * all of them are still there, and writing twice changes nothing (law 4).
 */
export async function replayLetters(
  reason: string | undefined,
  parts: ReplayParts,
  signal: AbortSignal,
): Promise<ReplayReceipt> {
  const receipt: ReplayReceipt = {
    read: 0,
    written: 0,
    empty: 0,
    remaining: 0,
    others: 0,
    discarded: 0,
    unreadable: 0,
    reasons: new Map(),
  }
  const learnDevices = createDeviceLearner(parts.log, signal)
  for (const path of letterFiles(parts.folder)) {
    const remainder = new LetterRemainder(path)
    try {
      let batch: KeptLetter[] = []
      for await (const { letter, bytes } of readLetterLines(path)) {
        if (letter === undefined) {
          receipt.unreadable++
          remainder.keepLine(bytes)
          continue
        }
        if (letter.discarded !== undefined) {
          receipt.discarded++
          remainder.keepLine(bytes)
          continue
        }
        receipt.read++
        if (reason !== undefined && letter.reason !== reason) {
          receipt.others++
          remainder.keep(letter)
          continue
        }
        batch.push(letter)
        if (batch.length < batchLetters) continue
        await replayBatch(batch, { ...parts, learnDevices }, receipt, remainder, signal)
        batch = []
      }
      await replayBatch(batch, { ...parts, learnDevices }, receipt, remainder, signal)
      remainder.replace()
    } finally {
      remainder.close()
    }
  }
  if (receipt.read !== receipt.written + receipt.empty + receipt.remaining + receipt.others)
    throw ownFailure('unbalanced', `the counts of the replay do not add up: ${JSON.stringify(receipt)}`)
  return receipt
}

async function replayBatch(
  letters: readonly KeptLetter[],
  parts: ReplayParts & { readonly learnDevices: (source: ReplayGateway['source']) => Promise<void> },
  receipt: ReplayReceipt,
  remainder: LetterRemainder,
  signal: AbortSignal,
): Promise<void> {
  const keep = (letter: KeptLetter) => {
    receipt.remaining++
    receipt.reasons.set(letter.reason, (receipt.reasons.get(letter.reason) ?? 0) + 1)
    remainder.keep(letter)
  }
  for (const [gateway, own] of Map.groupBy(letters, letter => letter.gateway)) {
    const configured = parts.gateways.find(({ source }) => source.name === gateway)
    const batch = createBatch()
    for (const letter of own) {
      let content = contentOf(letter, configured?.readLetter)
      if (configured !== undefined && letter.raw !== undefined && needsDevices(content)) {
        await parts.learnDevices(configured.source)
        content = contentOf(letter, configured.readLetter)
      }
      if (content === undefined) receipt.empty++
      else if ('reason' in content) keep({ ...letter, ...content })
      else batch.add(letter, content)
    }
    configured?.mapping.keepPins()
    const points = batch.points()
    const refused = await writeAndRestate(points, { sink: parts.sink.id, gateway }, parts, signal)
    for (const { letter, index } of batch.letters) {
      const refusal = refused.get(points[index]!.point)
      if (refusal === undefined) receipt.written++
      else {
        const { code, reason, partly } = refusal
        keep({ ...letter, reason: code, detail: reason, ...(partly === true && { partly }) })
      }
    }
  }
}

/** Each gateway is asked for its devices once, and only if a letter needs them. */
function createDeviceLearner(log: Logger, signal: AbortSignal) {
  const asked = new Set<string>()
  return async (source: ReplayGateway['source']): Promise<void> => {
    if (asked.has(source.name)) return
    asked.add(source.name)
    try {
      await source.hello(signal)
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      log.warn({ gateway: source.name, code: error.code, error: error.message }, 'its device list cannot be read')
    }
  }
}

/** Several letters may be about one point: it has the fields of all of them, and they are written or kept together. */
function createBatch() {
  const points: MappedPoint[] = []
  const indexes = new Map<string, number>()
  const letters: { letter: KeptLetter; index: number }[] = []
  const pool = createSeriesPool()
  return {
    letters,
    points: (): readonly MappedPoint[] => points,
    add(letter: KeptLetter, { point, datapoint }: MappedPoint): void {
      const series = pool.intern(point.series.measurement, Object.fromEntries(point.series.tags))
      const key = pointKey({ series, at: point.at })
      const index = indexes.get(key) ?? points.length
      const earlier = points[index]
      const fields = earlier === undefined ? point.fields : joinFields(earlier.point.fields, point.fields)
      points[index] = { point: { series, at: point.at, fields }, datapoint: datapoint ?? earlier?.datapoint }
      indexes.set(key, index)
      letters.push({ letter, index })
    },
  }
}

function needsDevices(content: MappedPoint | Rejection | undefined): boolean {
  return content !== undefined && 'reason' in content && content.reason === unknownDeviceId
}
