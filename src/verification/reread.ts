import type { Clock } from '../domain/clock.ts'
import type { Selector } from '../domain/datapoint.ts'
import { type Failure, isAbort, toFailure } from '../domain/failure.ts'
import type { Point } from '../domain/point.ts'
import type { TimeRange } from '../domain/range.ts'
import type { DataLogRequest } from '../domain/request.ts'
import type { RunSource } from '../pipeline/job.ts'
import type { Throttle } from '../pipeline/throttle.ts'
import { adaptWindow, firstWindow, shrinkWindow, type WindowLimits } from '../planning/window.ts'
import { type ComparingParts, type Comparison, compareWindow } from './compare.ts'
import { type ExpectedParts, readExpected } from './gateway-window.ts'

export interface RereadingJob extends ComparingParts, Omit<ExpectedParts, 'mostEntries' | 'source'> {
  readonly source: RunSource
  readonly throttle: Throttle
  readonly requests: WindowLimits
  readonly clock: Clock
  /** Where what differs is to be put right at once, and the gateway not to be asked a second time. */
  readonly mend?: (points: readonly Point[], request: DataLogRequest, signal: AbortSignal) => Promise<number>
}

/** A window that was compared, or that the gateway did not give. */
export type Reread = { readonly range: TimeRange } & (
  | { readonly comparison: Comparison; readonly mended?: Mended }
  | { readonly failure: Failure }
)

interface Mended {
  /** Points that the database has taken. */
  readonly written: number
  /** The same window once more. */
  readonly comparison: Comparison
}

const tries = 3

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
  const { source, throttle, requests, clock } = job
  let windowMs = firstWindow(requests)
  let failures = 0
  for (let { after } = range; after < range.until; ) {
    const window = { after, until: Math.min(range.until, after + windowMs) }
    await throttle.admit(signal)
    let isUnderWay = true
    const ended = (result: 'ok' | 'stopped' | Failure) => {
      if (isUnderWay) throttle.ended(result)
      isUnderWay = false
    }
    const began = clock.now()
    try {
      const request = { gateway: source.name, selectors: [selector], range: window } as const
      const isShortest = window.until - window.after <= requests.shortest
      const mostEntries = isShortest ? Number.POSITIVE_INFINITY : 4 * requests.entries
      const expected = await readExpected(request, { ...job, mostEntries }, signal)
      const tookMs = clock.now() - began
      ended('ok')
      const comparison = await compareWindow(expected, window, job, signal)
      const { wrong } = comparison
      let mended: Mended | undefined
      if (job.mend !== undefined && wrong.length > 0) {
        const written = await job.mend(wrong, request, signal)
        mended = { written, comparison: await compareWindow(expected, window, job, signal) }
      }
      failures = 0
      after = window.until
      const received = comparison.equal + comparison.missing + comparison.different + comparison.unwritable
      windowMs = adaptWindow(windowMs, requests, { range: window, received, tookMs })
      yield { range: window, comparison, ...(mended && { mended }) }
    } catch (error) {
      ended(isAbort(error, signal) ? 'stopped' : toFailure(error))
      if (isAbort(error, signal)) throw error
      const failure = toFailure(error)
      if (failure.reach === 'sink' || failure.reach === 'run') throw failure
      windowMs = shrinkWindow(Math.min(windowMs, window.until - window.after), requests)
      if (failure.code !== 'too-dense' && (++failures >= tries || failure.retry === 'never')) {
        failures = 0
        after = window.until
        yield { range: window, failure }
      }
    }
  }
}
