import { type Selector, selectorMatches } from '../domain/datapoint.ts'
import { isRejection } from '../domain/entry.ts'
import { Failure } from '../domain/failure.ts'
import type { Point } from '../domain/point.ts'
import { createIdentify, unknownDeviceId } from '../entries/identify.ts'
import type { PointJson } from '../entries/letter-point.ts'
import { joinFields } from '../entries/repeats.ts'
import { amended, type Brought } from '../entries/write-and-restate.ts'
import type { KeptLetter } from '../ledger/dead-letters.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { LetterRemainder, letterFiles } from '../ledger/letter-files.ts'
import { readLetterLines } from '../ledger/letter-lines.ts'
import type { Mapping } from '../points/mapping.ts'
import { openSeriesPool } from '../points/series.ts'
import type { Sink } from '../sinks/sink.ts'
import { decodeEntry } from '../smartserver/entry.ts'

export interface ReplayParts {
  readonly sink: Sink
  readonly ledger: Ledger
  /** Folder of the dead letters. */
  readonly folder: string
  /** The rules of today; undefined for a gateway that is not configured any more. */
  readonly gateway: (name: string) => Configured | undefined
}

interface Configured {
  readonly mapping: Mapping
  readonly selectors: readonly Selector[]
  /** Learns the gateway's device list, where that can be had. */
  learnDevices?(): Promise<void>
  /** The id of the device that an entry names so, where the gateway has told. */
  readonly deviceIdOf?: ((shown: string) => string | undefined) | undefined
}

/** `read = written + empty + remaining + others`, always (law 5). */
export interface ReplayReceipt {
  read: number
  /** Letters whose points the sink has acknowledged. */
  written: number
  /** By the rules of today there is nothing to write. */
  empty: number
  /** Still not writable: kept. */
  remaining: number
  /** Of another reason than was asked for: kept as they are. */
  others: number
  /** Lines that are no letters: kept byte for byte, and not among those read. */
  unreadable: number
  readonly reasons: Map<string, number>
}

/** Letters that are in memory at a time. */
const batchLetters = 1_000

/**
 * Tries the dead letters once more: decode, map by the rules of today, write, wait for the answer. What still fails is
 * kept with its new reason. A file is replaced at once when all of it was answered: whatever ends the replay before, its
 * letters are all there still, and writing twice changes nothing (law 4).
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
    unreadable: 0,
    reasons: new Map(),
  }
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
        receipt.read++
        if (reason !== undefined && letter.reason !== reason) {
          receipt.others++
          remainder.keep(letter)
          continue
        }
        batch.push(letter)
        if (batch.length < batchLetters) continue
        await replayBatch(batch, parts, receipt, remainder, signal)
        batch = []
      }
      await replayBatch(batch, parts, receipt, remainder, signal)
      remainder.replace()
    } finally {
      remainder.close()
    }
  }
  if (receipt.read !== receipt.written + receipt.empty + receipt.remaining + receipt.others)
    throw new Failure(`the counts of the replay do not add up: ${JSON.stringify(receipt)}`, {
      code: 'unbalanced',
      retry: 'never',
      reach: 'run',
      advice: 'This is a bug: please report it with this line. No letter was lost.',
    })
  return receipt
}

async function replayBatch(
  letters: readonly KeptLetter[],
  parts: ReplayParts,
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
    const configured = parts.gateway(gateway)
    const batch = openBatch()
    let hasLearnt = false
    for (const letter of own) {
      let made = letter.raw === undefined ? wholePoint(letter) : broughtBy(letter, letter.raw, configured)
      // the gateway is asked for its devices only if a letter cannot do without, and once
      if (needsDevices(made) && configured?.learnDevices !== undefined && letter.raw !== undefined) {
        if (!hasLearnt) await configured.learnDevices()
        hasLearnt = true
        made = broughtBy(letter, letter.raw, configured)
      }
      if (made === undefined) receipt.empty++
      else if ('reason' in made) keep({ ...letter, ...made })
      else batch.add(letter, made)
    }
    configured?.mapping.keepPins()
    const brought = batch.brought()
    const place = { sink: parts.sink.id, gateway }
    const refused = await amended(brought, place, parts, signal)
    for (const { letter, index } of batch.letters) {
      const refusal = refused.get(brought[index]!.point)
      if (refusal === undefined) receipt.written++
      else {
        const { code, reason, partly } = refusal
        keep({ ...letter, reason: code, detail: reason, ...(partly === true && { partly }) })
      }
    }
  }
}

/** Several letters may be about one point: they share its fate, and its fields are those of all of them. */
function openBatch() {
  const points: Brought[] = []
  const byPlace = new Map<string, number>()
  const letters: { letter: KeptLetter; index: number }[] = []
  const pool = openSeriesPool()
  return {
    letters,
    brought: (): readonly Brought[] => points,
    add(letter: KeptLetter, { point, datapoint }: Brought): void {
      const series = pool.intern(point.series.measurement, Object.fromEntries(point.series.tags))
      const key = JSON.stringify([series.measurement, [...series.tags], point.at])
      const index = byPlace.get(key) ?? points.length
      const earlier = points[index]
      const fields = earlier === undefined ? point.fields : joinFields(earlier.point.fields, point.fields)
      points[index] = { point: { series, at: point.at, fields }, datapoint: datapoint ?? earlier?.datapoint }
      byPlace.set(key, index)
      letters.push({ letter, index })
    },
  }
}

type Unwritable = Pick<KeptLetter, 'reason' | 'detail'>

/** Needs no rule, and so no gateway in the configuration either. */
function wholePoint({ point: json, reason, detail }: KeptLetter): Brought | Unwritable {
  const point = pointOf(json)
  return point === undefined ? { reason, detail } : { point, datapoint: undefined }
}

function needsDevices(made: Brought | Unwritable | undefined): boolean {
  return made !== undefined && 'reason' in made && made.reason === unknownDeviceId
}

/** Undefined: there is nothing to write. */
function broughtBy(
  { reason, gateway }: KeptLetter,
  raw: string,
  configured: Configured | undefined,
): Brought | Unwritable | undefined {
  if (configured === undefined) return { reason, detail: `There is no gateway ${gateway} in the configuration.` }
  const { mapping, selectors } = configured
  const decoded = decodeEntry(raw)
  if (isRejection(decoded)) return decoded
  const entry = createIdentify(configured, configured.deviceIdOf)(decoded)
  if (isRejection(entry)) return entry
  if (!selectors.some(selector => selectorMatches(selector, entry.datapoint)))
    return { reason, detail: 'The datapoint is not configured any more.' }
  const point = mapping.map(entry)
  if (point === undefined || 'reason' in point) return point
  return { point, datapoint: entry.datapoint }
}

/** Undefined for what is none: somebody has edited the file. */
function pointOf(json: object | undefined): Point | undefined {
  const { measurement, tags, at, fields } = (json ?? {}) as Partial<PointJson>
  if (typeof measurement !== 'string' || tags === undefined || typeof at?.ms !== 'number' || fields === undefined)
    return undefined
  const sorted = Object.entries(tags).sort(([a], [b]) => (a < b ? -1 : 1))
  return { series: { measurement, tags: new Map(sorted) }, at: { ms: at.ms, nanos: at.nanos ?? 0 }, fields }
}
