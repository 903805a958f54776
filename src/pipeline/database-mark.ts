import type { Clock } from '../domain/clock.ts'
import { createSeries, type Series } from '../domain/point.ts'
import type { TimeRange } from '../domain/range.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { KnownMark } from '../ledger/marks.ts'
import { sinkFailure } from '../sinks/failures.ts'
import { type Settling, settle } from '../sinks/settle.ts'
import { markMeasurement, type Sink } from '../sinks/sink.ts'

/*
 * The mark of a database is a series of points, written and read as all others are. Each has another time, because
 * not every database replaces a value reliably; the highest number counts.
 */

const numberField = 'number'

/** The clock of this host may have been set since the mark was written. */
const clockDoubtMs = 3_600_000
/** An older copy bears an older mark. Databases that are read day by day are not asked for more than this. */
const furtherBackMs = [8 * 86_400_000, 93 * 86_400_000]
/** A run does not wait longer than this with its mark. */
const patienceMs = 30_000

/** What a database bears of a mark: a number, nothing, or nothing that can be read with the rights there are. */
export type FoundMark =
  | { readonly kind: 'number'; readonly number: number }
  | { readonly kind: 'none' }
  | { readonly kind: 'unreadable'; readonly why: string }

function seriesOf(id: string): Series {
  return createSeries(markMeasurement, { ledger: id })
}

/** Throws a Failure where the database is away, or does not take it. */
export async function writeMark(
  sink: Sink,
  { id, number }: { readonly id: string; readonly number: number },
  at: number,
  signal: AbortSignal,
): Promise<void> {
  const point = { series: seriesOf(id), at: { ms: at, nanos: 0 }, fields: { [numberField]: number } }
  const { rejected } = await sink.write([point], signal, { patienceMs })
  const [refusal] = rejected
  if (refusal !== undefined)
    throw sinkFailure('sink-refuses', `${sink.label} does not take ${markMeasurement}: ${refusal.reason}`, {
      advice: `Nothing else may write to the measurement ${markMeasurement}: remove it.`,
    })
  await sink.makeDurable?.(signal)
}

/** A number that is too small, or none, is believed when it has stood still. */
export async function findMark(
  sink: Sink,
  known: Pick<KnownMark, 'id' | 'number' | 'at'>,
  { clock, settling }: { readonly clock: Clock; readonly settling: Settling },
  signal: AbortSignal,
): Promise<FoundMark> {
  const now = clock.now()
  const within = { after: Math.min(known.at, now) - clockDoubtMs, until: now + clockDoubtMs }
  const ask = () => highest(sink, known.id, within, signal)
  try {
    const first = { answer: await ask(), since: settling.clock.elapsed() }
    const shortOf = (number: number) => (number < known.number ? String(number) : undefined)
    let { answer } = await settle(first, ask, shortOf, settling, signal)
    for (const backMs of furtherBackMs)
      if (answer === 0) answer = await highest(sink, known.id, { ...within, after: known.at - backMs }, signal)
    return answer === 0 ? { kind: 'none' } : { kind: 'number', number: answer }
  } catch (error) {
    if (sinkFailure.is(error, 'sink-unreadable')) return { kind: 'unreadable', why: error.message }
    throw error
  }
}

/**
 * The sink by whose id the ledger knows this database, where it was met at another address; undefined: it is known by its
 * own, or not at all.
 */
export async function knownElsewhere(
  sink: Sink,
  { marks }: Pick<Ledger, 'marks'>,
  parts: { readonly clock: Clock; readonly settling: Settling },
  signal: AbortSignal,
): Promise<string | undefined> {
  if (marks.of(sink.id) !== undefined || marks.provesAny(sink.id)) return undefined
  for (const other of marks.others(sink.id)) {
    const found = await findMark(sink, { ...marks.of(other)!, number: 0 }, parts, signal)
    if (found.kind === 'number') return other
  }
  return undefined
}

/** 0: there is none. */
async function highest(sink: Sink, id: string, range: TimeRange, signal: AbortSignal): Promise<number> {
  let most = 0
  for await (const { fields } of sink.read(seriesOf(id), range, signal))
    most = Math.max(most, Number(fields[numberField] ?? 0))
  return most
}
