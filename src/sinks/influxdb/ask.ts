import type { Clock } from '../../domain/clock.ts'
import { Failure } from '../../domain/failure.ts'
import type { Connection, HttpRequest, Outcome } from './connection.ts'
import type { Place } from './place.ts'
import { judge, reasonOf } from './verdict.ts'

export type Answer = Extract<Outcome, { status: number }>

/** A question to the database, apart from writing. */
export type Ask = (request: HttpRequest, signal: AbortSignal) => Promise<Answer>

/** Two tries, then a Failure `sink-unreachable`: a question does not wait for better times. Resolves with whatever status. */
export function openAsk({ connection, place, clock }: { connection: Connection; place: Place; clock: Clock }): Ask {
  return async (request, signal) => {
    let last = 'no answer'
    for (let attempt = 0; attempt < 2; attempt++) {
      const outcome = await connection.send(request, signal)
      if (outcome.status !== undefined) return outcome
      const verdict = judge(outcome, [], place, clock.now())
      if (verdict.act === 'stop') throw verdict.failure
      last = outcome.detail
    }
    throw unreachable(place, last)
  }
}

export function unreachable({ label, url }: Place, why: string): Failure {
  return new Failure(`${label} is not reachable: ${why}`, {
    code: 'sink-unreachable',
    retry: 'later',
    reach: 'sink',
    advice: `Is the database running, and is ${url} its address as seen from this machine?`,
  })
}

/** For an answer that should have been 200. */
export function unreadable(place: Place, answer: Answer): Failure {
  return new Failure(`${place.label} does not answer a query: ${reasonOf(answer.status, answer.body)}`, {
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
