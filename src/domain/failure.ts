import type { TimeRange } from './range.ts'

/** Whether trying again can help: at once with a short wait, only after something else has changed with time, or not at all. */
export type Retry = 'soon' | 'later' | 'never'

/** How far the trouble reaches: this request, everything on this gateway, everything for this sink, or the whole run. */
export type Reach = 'request' | 'gateway' | 'sink' | 'run'

/** The work that failed, so that a message can name it (law 9). Never holds a secret. */
export interface FailedWork {
  readonly gateway?: string
  readonly selector?: string
  readonly range?: TimeRange
  /** Entries received before it failed. */
  readonly entries?: number
  /** Time of the newest entry received, ms UTC. */
  readonly reached?: number
}

export interface FailureOptions {
  readonly code: string
  readonly retry: Retry
  readonly reach: Reach
  /** At least this long before the next try. */
  readonly retryAfterMs?: number
  /** What the user can do about it: one sentence. */
  readonly advice?: string
  readonly work?: FailedWork
  readonly cause?: unknown
}

/** Every failure of the program: it carries the decision, so that nobody reads message text (law 9). */
export class Failure extends Error {
  override readonly name = 'Failure'
  readonly code: string
  readonly retry: Retry
  readonly reach: Reach
  readonly retryAfterMs: number | undefined
  readonly advice: string | undefined
  readonly work: FailedWork

  constructor(message: string, options: FailureOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = options.code
    this.retry = options.retry
    this.reach = options.reach
    this.retryAfterMs = options.retryAfterMs
    this.advice = options.advice
    this.work = options.work ?? {}
  }

  /** The same failure with more said about the work. */
  during(work: FailedWork): Failure {
    return this.#with({ work: { ...work, ...this.work } })
  }

  /** The same failure with another advice. */
  advising(advice: string): Failure {
    return this.#with({ advice })
  }

  /** The same failure, with another wait before the next try. */
  retryingAfter(retryAfterMs: number): Failure {
    return this.#with({ retryAfterMs })
  }

  /** The same failure, reaching further. */
  reaching(reach: Reach): Failure {
    return this.#with({ reach })
  }

  #with(change: Partial<FailureOptions>): Failure {
    const { code, retry, reach, retryAfterMs, advice, work, cause } = this
    const same = {
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      ...(advice === undefined ? {} : { advice }),
    }
    return new Failure(this.message, { code, retry, reach, work, cause, ...same, ...change })
  }
}

/** Stopping is not failing (law 10): true for whatever an aborted signal made someone throw. */
export function isAbort(error: unknown, signal: AbortSignal): boolean {
  return signal.aborted && (error === signal.reason || (error instanceof Error && error.name === 'AbortError'))
}

/** What is no Failure is a bug of ours: it stops the run rather than being retried. */
export function toFailure(error: unknown): Failure {
  if (error instanceof Failure) return error
  const message = error instanceof Error ? error.message : String(error)
  return new Failure(message, { code: 'unexpected', retry: 'never', reach: 'run', cause: error })
}
