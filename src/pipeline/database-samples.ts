import type { Clock } from '../domain/clock.ts'
import type { Loss, PointSample } from '../ledger/marks.ts'
import { sinkFailure } from '../sinks/failures.ts'
import { type Settling, settle } from '../sinks/settle.ts'
import type { Sink, SinkReport } from '../sinks/sink.ts'

/** What counting the last transfers of one measurement has shown. */
type SampleFinding =
  /** Undefined: there was nothing to see, or it may not be read. */
  | { readonly kind: 'held'; readonly seen: PointSample | undefined }
  | { readonly kind: 'lost'; readonly loss: Loss; readonly words: string }
  /** Fewer points than were acknowledged, and nothing is known that could be taken back for it. */
  | { readonly kind: 'short'; readonly words: string }

interface SampleParts {
  readonly sink: Sink
  readonly clock: Clock
  readonly settling: Settling
  readonly exact: SinkReport['exact']
}

const held: SampleFinding = { kind: 'held', seen: undefined }

/** A database that keeps milliseconds alone may hold fewer points than were written, but not so few. */
const leastOfInexact = 0.5

/** A mark does not tell that a measurement was dropped, or that points are merged or renamed: a count does. */
export async function compareSamples(
  samples: readonly PointSample[],
  parts: SampleParts,
  signal: AbortSignal,
): Promise<SampleFinding> {
  const newest = samples.find(({ isConfirmed }) => !isConfirmed)
  const { label } = parts.sink
  if (newest === undefined) return held
  const { measurement, points, number } = newest
  const found = await countOf(newest, parts, signal)
  if (found === undefined) return held
  if (found >= points * (parts.exact === false ? leastOfInexact : 1)) return { kind: 'held', seen: newest }
  const confirmed = samples.find(({ isConfirmed }) => isConfirmed)
  const before = confirmed === undefined || found > 0 ? undefined : await countOf(confirmed, parts, signal)
  if (before === undefined)
    return {
      kind: 'short',
      words: `${label} holds ${found} of ${points} points of ${newest.label} that it acknowledged last: run "verify"`,
    }
  if (before === 0)
    return {
      kind: 'lost',
      loss: { measurement },
      words: `${label} holds nothing of the measurement ${measurement} any more: what was complete of it is fetched again`,
    }
  return {
    kind: 'lost',
    loss: { since: number - 1 },
    words: `${label} does not hold what was recorded last of the measurement ${measurement}: it is fetched again`,
  }
}

/** Undefined: it may not be read. */
async function countOf(
  { series, range, points }: PointSample,
  { sink, clock, settling }: SampleParts,
  signal: AbortSignal,
): Promise<number | undefined> {
  const ask = async () => {
    const counts = await sink.counts(series, range, signal)
    return [...counts.values()].reduce((sum, n) => sum + n, 0)
  }
  try {
    const first = { answer: await ask(), since: clock.elapsed() }
    const shortOf = (count: number) => (count < points ? String(count) : undefined)
    return (await settle(first, ask, shortOf, settling, signal)).answer
  } catch (error) {
    if (sinkFailure.is(error, 'sink-unreadable')) return undefined
    throw error
  }
}
