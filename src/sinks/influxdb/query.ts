import type { Clock } from '../../domain/clock.ts'
import { Failure } from '../../domain/failure.ts'
import type { Point, Series } from '../../domain/point.ts'
import type { TimeRange } from '../../domain/range.ts'
import type { Connection, HttpRequest, Outcome } from './connection.ts'
import type { Endpoint, NumberField } from './endpoint.ts'
import { interpret, reasonOf } from './write-response.ts'

export type Answer = Extract<Outcome, { status: number }>

/** One request to the database other than a write. */
export type Query = (request: HttpRequest, signal: AbortSignal) => Promise<Answer>

/** Two tries, then a Failure `sink-unreachable`: a query does not wait until a database is back. Resolves with whatever status. */
export function createQuery({
  connection,
  endpoint,
  clock,
}: {
  connection: Connection
  endpoint: Endpoint
  clock: Clock
}): Query {
  return async (request, signal) => {
    let last = 'no answer'
    for (let attempt = 0; attempt < 2; attempt++) {
      const outcome = await connection.send(request, signal)
      if (outcome.status !== undefined) return outcome
      const response = interpret(outcome, [], endpoint, clock.now())
      if (response.act === 'stop') throw response.failure
      last = outcome.detail
    }
    throw unreachable(endpoint, last)
  }
}

export function unreachable({ label, url }: Endpoint, why: string): Failure {
  return new Failure(`${label} is not reachable: ${why}`, {
    code: 'sink-unreachable',
    retry: 'later',
    reach: 'sink',
    advice: `Is the database running, and is ${url} its address as seen from this machine?`,
  })
}

/** For an answer that should have been 200. */
export function unreadable(endpoint: Endpoint, answer: Answer): Failure {
  return new Failure(`${endpoint.label} does not answer a query: ${reasonOf(answer.status, answer.body)}`, {
    code: 'sink-unreadable',
    retry: answer.status >= 500 ? 'later' : 'never',
    reach: 'sink',
    advice: 'To read back what was written, the login or token must be allowed to read as well.',
  })
}

export function headerText({ headers }: Answer, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'string' ? value : undefined
}

/** Where to ask, and until when. */
export interface QueryContext {
  readonly ask: Query
  readonly endpoint: Endpoint
  /** All that the configuration writes to. */
  readonly measurements: readonly string[]
  /** Fields that are to hold numbers, besides `value`. */
  readonly numberFields: readonly NumberField[]
  readonly signal: AbortSignal
}

/** How a kind of database gives back what was written to it. */
export interface ReadBack {
  readonly count: (context: QueryContext, series: Series, range: TimeRange) => Promise<number>
  readonly read: (context: QueryContext, series: Series, range: TimeRange) => AsyncIterable<Point>
}
