import type { Clock } from '../domain/clock.ts'
import { sinkFailure } from './failures.ts'
import type { SinkReport } from './sink.ts'

export interface Settling {
  readonly clock: Pick<Clock, 'elapsed' | 'sleep'>
  /** A short answer is believed when it has not changed for so long; 0: at once. */
  readonly stillMs: number
  /** Called before the database is asked again. */
  readonly observe: () => void
}

/** InfluxDB 3 misses points for seconds while it writes a snapshot; after a backfill of a year for minutes. */
const usualStillMs = 30_000

/** A database that answers at once with all that it has acknowledged need not be asked again. */
export function stillMsOf({ readsAtOnce }: Pick<SinkReport, 'readsAtOnce'>): number {
  return readsAtOnce === true ? 0 : usualStillMs
}

interface Answered<Answer> {
  readonly answer: Answer
  /** It has been the same since this moment, by the clock's `elapsed`. */
  readonly since: number
}

const firstWaitMs = 1_000
const longestWaitMs = 16_000
const longestMs = 30 * 60_000

/**
 * A database may for some time answer with less than it holds. Asks again while an answer is short, until it no longer is or
 * has stood still; one that is not short is believed at once. `shortOf` gives what of an answer must stand still; undefined:
 * it is not short. Throws a Failure if the answer does not come to rest.
 */
export async function settle<Answer>(
  first: Answered<Answer>,
  ask: (last: Answer) => Promise<Answer>,
  shortOf: (answer: Answer) => string | undefined,
  { clock, stillMs, observe }: Settling,
  signal: AbortSignal,
): Promise<Answered<Answer>> {
  const began = clock.elapsed()
  let { answer, since } = first
  let short = shortOf(answer)
  for (let waitMs = firstWaitMs; short !== undefined; ) {
    const leftMs = stillMs - (clock.elapsed() - since)
    if (leftMs <= 0) break
    if (clock.elapsed() - began > longestMs) throw restless()
    observe()
    await clock.sleep(Math.min(waitMs, leftMs), signal)
    answer = await ask(answer)
    const now = shortOf(answer)
    waitMs = now === short ? Math.min(2 * waitMs, longestWaitMs) : firstWaitMs
    if (now !== short) since = clock.elapsed()
    short = now
  }
  return { answer, since }
}

function restless() {
  return sinkFailure(
    'sink-busy',
    `the database's answers to the same query still change after ${longestMs / 60_000} min`,
    {
      advice: 'Verify again when nothing is written there.',
    },
  )
}
