import type { Clock } from '../domain/clock.ts'
import type { Selector } from '../domain/datapoint.ts'
import { type Failure, isAbort, toFailure } from '../domain/failure.ts'
import type { TimeRange } from '../domain/range.ts'
import { adaptWindow, firstWindow, shrinkWindow, type WindowLimits } from '../planning/window.ts'
import { backoffMs } from './backoff.ts'
import { type ComparingParts, type Comparison, compareWindow } from './comparing.ts'
import type { RunLimits, RunSource } from './job.ts'
import { createPace } from './pace.ts'

export interface RereadingJob extends Omit<ComparingParts, 'mostEntries' | 'source'> {
  readonly source: RunSource
  readonly limits: RunLimits
  readonly requests: WindowLimits
  readonly clock: Clock
}

/** A window that was compared, or that the gateway did not give. */
export type Reread = { readonly range: TimeRange } & (
  | { readonly comparison: Comparison }
  | { readonly failure: Failure }
)

const tries = 3
const longestWaitMs = 10_000

/**
 * Reads a range of one selector from the gateway again, window by window and within its limits (law 7), and compares each
 * with the database. Windows tile the range, those that could not be read included. Memory follows one window (law 6).
 */
export async function* rereadRange(
  selector: Selector,
  range: TimeRange,
  job: RereadingJob,
  signal: AbortSignal,
): AsyncGenerator<Reread> {
  const { source, limits, requests, clock } = job
  const paced = createPace(limits.requestsPerMinute, clock)
  let windowMs = firstWindow(requests)
  let failures = 0
  for (let { after } = range; after < range.until; ) {
    const window = { after, until: Math.min(range.until, after + windowMs) }
    await source.ready?.(signal)
    await paced(signal)
    const began = clock.now()
    try {
      const request = { gateway: source.name, selectors: [selector], range: window } as const
      const isShortest = window.until - window.after <= requests.shortest
      const mostEntries = isShortest ? Number.POSITIVE_INFINITY : 4 * requests.entries
      const comparison = await compareWindow(request, { ...job, mostEntries }, signal)
      failures = 0
      after = window.until
      const received = comparison.equal + comparison.missing + comparison.different + comparison.unwritable
      windowMs = adaptWindow(windowMs, requests, { range: window, received, tookMs: clock.now() - began })
      yield { range: window, comparison }
      await clock.sleep(limits.pause, signal)
    } catch (error) {
      if (isAbort(error, signal)) throw error
      const failure = toFailure(error)
      if (failure.reach === 'sink' || failure.reach === 'run') throw failure
      windowMs = shrinkWindow(Math.min(windowMs, window.until - window.after), requests)
      if (failure.code !== 'too-dense' && (++failures >= tries || failure.retry === 'never')) {
        failures = 0
        after = window.until
        yield { range: window, failure }
      }
      await clock.sleep(
        failure.code === 'too-dense' ? 0 : backoffMs(failures + 1, longestWaitMs, failure.retryAfterMs),
        signal,
      )
    }
  }
}
