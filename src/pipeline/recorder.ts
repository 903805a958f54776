import type { Clock } from '../domain/clock.ts'
import { type Selector, selectorKey } from '../domain/datapoint.ts'
import { Failure, isAbort, toFailure } from '../domain/failure.ts'
import { isoText } from '../domain/instant.ts'
import type { TimeRange } from '../domain/range.ts'
import type { DataLogRequest } from '../domain/request.ts'
import { adaptWindow, firstWindow, shrinkWindow, type WindowLimits } from '../planning/window.ts'
import type { Witness } from '../smartserver/data-log.ts'
import type { Gateway } from '../smartserver/gateway.ts'
import type { Throttle } from './throttle.ts'

/**
 * A recording of data-log requests, one JSON document a line: the head, then for each request what was asked, every
 * frame as it came, and how it closed. It holds what the gateway logged, and nothing of the login.
 */
export type CapturePart =
  | { readonly capture: 1; readonly gateway: string; readonly release: string | null; readonly at: string }
  | { readonly request: { readonly query: string; readonly after: number; readonly until: number } }
  /** `afterEnd`: it came between `"end"` and the close. */
  | { readonly frame: string; readonly afterEnd?: true }
  /**
   * `close`: the gateway's code, null where it did not close by itself. `end`: `"end"` was received. `failed`: the code of
   * the failure, where the request failed and was not stopped.
   */
  | { readonly close: number | null; readonly end: boolean; readonly failed?: string }

interface RecordingJob {
  readonly gateway: Gateway
  readonly throttle: Throttle
  readonly selectors: readonly Selector[]
  readonly range: TimeRange
  readonly requests: WindowLimits
  readonly clock: Clock
  readonly write: (part: CapturePart) => void
}

interface Recorded {
  readonly requests: number
  /** Requests that failed: recorded as far as they came. */
  readonly failed: number
  readonly frames: number
}

/** After so many failed requests in a row there is nothing more to learn. */
const mostFailedInARow = 5

/**
 * Asks a gateway for its log as a run does, one request at a time, device by device, and writes down every frame as it
 * came. A failed request is recorded as it failed, not asked again: a recording shows what happened. Throws where the
 * gateway cannot be asked at all.
 */
export async function recordLog(job: RecordingJob, signal: AbortSignal): Promise<Recorded> {
  const { gateway, range, requests, throttle, clock, write } = job
  const recorded = { requests: 0, failed: 0, frames: 0 }
  let failedInARow = 0
  write({ capture: 1, gateway: gateway.name, release: gateway.release ?? null, at: isoText(clock.now()) })
  for (const selectors of byDevice(job.selectors)) {
    let windowMs = firstWindow(requests)
    for (let { after } = range; after < range.until; ) {
      const window = { after, until: Math.min(range.until, after + windowMs) }
      const request = { gateway: gateway.name, selectors, range: window }
      await throttle.admit(signal)
      const started = clock.now()
      const { frames, failure } = await recordRequest(job, request, signal)
      after = window.until
      recorded.requests++
      recorded.frames += frames
      if (failure !== undefined) recorded.failed++
      failedInARow = failure === undefined ? 0 : failedInARow + 1
      if (failure !== undefined && (failure.reach !== 'request' || failedInARow >= mostFailedInARow)) throw failure
      const done = { range: window, received: frames, tookMs: clock.now() - started }
      windowMs = failure === undefined ? adaptWindow(windowMs, requests, done) : shrinkWindow(windowMs, requests)
    }
  }
  return recorded
}

type Selectors = DataLogRequest['selectors']

function byDevice(selectors: readonly Selector[]): Selectors[] {
  const groups = Map.groupBy(selectors, ({ device }) => (device === undefined ? '*' : selectorKey({ device })))
  return [...groups.values()].map(([first, ...others]) => [first!, ...others])
}

async function recordRequest(
  { gateway, throttle, write }: RecordingJob,
  request: DataLogRequest,
  signal: AbortSignal,
): Promise<{ frames: number; failure: Failure | undefined }> {
  write({ request: { query: gateway.pathOf(request), ...request.range } })
  let frames = 0
  let end = false
  let close: number | null = null
  const witness: Witness = {
    onFrame(frame) {
      if (!end && frame === '"end"') {
        end = true
        return
      }
      write(end ? { frame, afterEnd: true } : { frame })
      frames++
    },
    onClose(code) {
      close = code
    },
  }
  try {
    // the witness has them already, and those of a failed request too
    for await (const _ of gateway.readDataLog(request, signal, witness));
    write({ close, end })
    throttle.ended('ok')
    return { frames, failure: undefined }
  } catch (error) {
    throttle.ended(isAbort(error, signal) ? 'stopped' : toFailure(error))
    if (isAbort(error, signal) || !(error instanceof Failure)) {
      write({ close, end })
      throw error
    }
    write({ close, end, failed: error.code })
    return { frames, failure: error }
  }
}
