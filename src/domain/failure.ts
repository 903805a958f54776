import type { TimeRange } from './range.ts'
import { systemAdvice } from './system-error.ts'

/** Whether trying again can help: at once with a short wait, only after something else has changed with time, or not at all. */
export type Retry = 'soon' | 'later' | 'never'

/** How much a failure concerns: this request, everything on this gateway, everything for this sink, or the whole run. */
export type Reach = 'request' | 'gateway' | 'sink' | 'run'

/** The work that failed, so that a message can name it (law 9). Never holds a secret. */
interface FailedWork {
  readonly gateway?: string | undefined
  readonly selector?: string | undefined
  readonly range?: TimeRange | undefined
  /** Entries received before it failed. */
  readonly entries?: number | undefined
  /** Time of the newest entry received, ms UTC. */
  readonly reached?: number | undefined
}

interface FailureOptions {
  readonly code: string
  readonly retry: Retry
  readonly reach: Reach
  /** At least this long before the next try. */
  readonly retryAfterMs?: number | undefined
  /** What the user can do about it: one sentence. */
  readonly advice?: string | undefined
  readonly work?: FailedWork | undefined
  readonly cause?: unknown
}

/** Every failure of the program: it carries the decision, so that no code reads message text (law 9). */
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
    return this.reach === reach ? this : this.#with({ reach })
  }

  /** A copy, because others may hold this one. Its stack shows where the failure arose, not where it was copied. */
  #with(change: Partial<FailureOptions>): Failure {
    const { code, retry, reach, retryAfterMs, advice, work, cause } = this
    const copy = new Failure(this.message, { code, retry, reach, retryAfterMs, advice, work, cause, ...change })
    if (this.stack !== undefined) copy.stack = this.stack
    return copy
  }
}

/** What the program decides about a kind of failure, and what a person reads about it in docs/troubleshooting.md. */
export interface FailureRow {
  readonly retry: Retry
  readonly reach: Reach
  /** At least this long before the next try. */
  readonly retryAfterMs?: number | undefined
  /** What has happened: one plain sentence. */
  readonly meaning: string
  /** What the user can do about it: one or two plain sentences. */
  readonly advice: string
}

/** What one failure knows better than the row of its code. */
export interface FailureDetails {
  readonly retry?: Retry | undefined
  readonly retryAfterMs?: number | undefined
  readonly advice?: string | undefined
  readonly work?: FailedWork | undefined
  readonly cause?: unknown
}

/** Makes the failures of one edge by their code. */
interface FailureFactory<Code extends string> {
  (code: Code, message: string, details?: FailureDetails): Failure
  readonly rows: Readonly<Record<Code, FailureRow>>
  /** True for a failure with one of these codes. */
  is(failure: Failure, ...codes: Code[]): boolean
  is(error: unknown, ...codes: Code[]): error is Failure
}

/**
 * The failures of one edge: each edge has one table, in its `failures.ts`. Codes are unique among all tables
 * (test/unit/failures.test.ts), and are compared by `is` alone.
 */
export function failures<const Code extends string>(rows: Readonly<Record<Code, FailureRow>>): FailureFactory<Code> {
  const create = (code: Code, message: string, details: FailureDetails = {}) => {
    const { retry, reach, retryAfterMs, advice } = rows[code]
    return new Failure(message, {
      code,
      retry: details.retry ?? retry,
      reach,
      retryAfterMs: details.retryAfterMs ?? retryAfterMs,
      advice: details.advice ?? advice,
      work: details.work,
      cause: details.cause,
    })
  }
  const is = (error: unknown, ...codes: Code[]): error is Failure =>
    error instanceof Failure && codes.some(code => code === error.code)
  return Object.assign(create, { rows, is })
}

/** Stopping is not failing (law 10): true for whatever an aborted signal made someone throw. */
export function isAbort(error: unknown, signal: AbortSignal): boolean {
  const first = firstOf(error)
  return signal.aborted && (first === signal.reason || (first instanceof Error && first.name === 'AbortError'))
}

/** Why the work ended: what then failed while closing is not the reason. */
function firstOf(error: unknown): unknown {
  return error instanceof SuppressedError ? firstOf(error.suppressed) : error
}

/** Failures of the program itself. */
export const ownFailure = failures({
  unexpected: {
    retry: 'never',
    reach: 'run',
    meaning: 'The program met an error that it does not know. This is a bug.',
    advice: 'Please report it with the log. Nothing that was not complete was recorded as complete.',
  },
  system: {
    retry: 'never',
    reach: 'run',
    meaning: 'The operating system refuses something that the program needs: a file, a folder, memory.',
    advice: 'The message names what, and why.',
  },
  unbalanced: {
    retry: 'never',
    reach: 'run',
    meaning: 'The counts of a transfer or a replay do not add up. This is a bug.',
    advice: 'Please report it with this line. Nothing of this range was recorded as complete.',
  },
})

/** An error that is no Failure, and no refusal of the operating system, is a bug of ours: it stops the run rather than being retried. */
export function toFailure(thrown: unknown): Failure {
  const error = firstOf(thrown)
  if (error instanceof Failure) return error
  const advice = systemAdvice(error)
  if (advice !== undefined) return ownFailure('system', (error as Error).message, { advice, cause: error })
  return ownFailure('unexpected', error instanceof Error ? error.message : String(error), { cause: error })
}
