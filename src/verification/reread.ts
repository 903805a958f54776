import type { Clock } from '../domain/clock.ts'
import type { Selector } from '../domain/datapoint.ts'
import { type Failure, isAbort, toFailure } from '../domain/failure.ts'
import type { Point } from '../domain/point.ts'
import type { TimeRange } from '../domain/range.ts'
import type { DataLogRequest } from '../domain/request.ts'
import { decide } from '../pipeline/decide.ts'
import type { RunSource } from '../pipeline/job.ts'
import type { Throttle } from '../pipeline/throttle.ts'
import { adaptWindow, firstWindow, shrinkWindow, type WindowLimits } from '../planning/window.ts'
import { type Settling, settle } from '../sinks/settle.ts'
import { type CompareParts, type Comparison, compareWindow } from './compare.ts'
import { type GatewayWindowParts, readGatewayWindow } from './gateway-window.ts'

interface RereadingJob extends CompareParts, Omit<GatewayWindowParts, 'limit' | 'source'> {
  readonly source: RunSource
  readonly throttle: Throttle
  readonly requests: WindowLimits
  readonly clock: Clock
  readonly settling: Settling
  /** So many points are known to be missing, because the count has stood still: they are believed to be, at once. */
  readonly knownMissing: number
  /** False: the database may keep the first value beside a corrected one, so that no value is corrected there. */
  readonly overwrites: boolean
  /** Repairs at once what differs, so that the gateway is not asked a second time; undefined: only compare. */
  readonly repair:
    | ((points: readonly Point[], request: DataLogRequest, signal: AbortSignal) => Promise<number>)
    | undefined
}

/** A window that was compared, or that the gateway did not give. */
export type Reread = { readonly range: TimeRange } & (
  | { readonly comparison: Comparison; readonly repaired: Repaired | undefined }
  | { readonly failure: Failure }
)

interface Repaired {
  /** Points that the database has taken. */
  readonly written: number
  /** The same window once more. */
  readonly comparison: Comparison
}

/**
 * Reads a range of one selector from the gateway again, window by window and within its limits (law 7), and compares each
 * with the database. The windows tile the range, including those that could not be read; of a gateway that is given up, the
 * rest of the range is one of them. Memory follows one window (law 6).
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
  let { knownMissing } = job
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
      const canBeShorter = window.until - window.after > requests.shortest
      const limit = { mostEntries: (canBeShorter ? 4 : 20) * requests.entries, canBeShorter }
      const expected = await readGatewayWindow(request, { ...job, limit }, signal)
      const tookMs = clock.now() - began
      ended('ok')
      const compare = async (missing: number) => {
        const ask = () => compareWindow(expected, window, job, signal)
        const first = { answer: await ask(), since: clock.elapsed() }
        return (await settle(first, ask, it => shortOf(it, missing), job.settling, signal)).answer
      }
      const comparison = await compare(knownMissing)
      knownMissing = Math.max(0, knownMissing - comparison.missing)
      const { lacking, altered } = comparison
      const wrong = job.overwrites ? [...lacking, ...altered] : lacking
      let repaired: Repaired | undefined
      if (job.repair !== undefined && wrong.length > 0) {
        const written = await job.repair(wrong, request, signal)
        repaired = { written, comparison: await compare(0) }
      }
      failures = 0
      after = window.until
      const received = comparison.equal + comparison.missing + comparison.different + comparison.unwritable
      windowMs = adaptWindow(windowMs, requests, { range: window, received, tookMs })
      yield { range: window, comparison, repaired }
    } catch (error) {
      ended(isAbort(error, signal) ? 'stopped' : toFailure(error))
      if (isAbort(error, signal)) throw error
      const failure = toFailure(error)
      if (failure.reach === 'sink') throw failure
      const decision = decide(failure, { tries: failures + 1, canBeHalved: false }, throttle.circuit.state)
      if (decision.ends === 'run') throw failure
      windowMs = shrinkWindow(Math.min(windowMs, window.until - window.after), requests)
      if (decision.piece !== 'shorten') failures++
      if (decision.ends === 'gateway') {
        yield { range: { after, until: range.until }, failure }
        return
      }
      if (decision.piece === 'park') {
        failures = 0
        after = window.until
        yield { range: window, failure }
      }
    }
  }
}

function shortOf({ equal, missing, different, extra }: Comparison, known: number): string | undefined {
  return missing > known ? [equal, missing, different, extra].join() : undefined
}
