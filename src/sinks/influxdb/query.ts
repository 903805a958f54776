import type { z } from 'zod'
import type { Clock } from '../../domain/clock.ts'
import type { Failure } from '../../domain/failure.ts'
import type { Point, Series } from '../../domain/point.ts'
import type { TimeRange } from '../../domain/range.ts'
import { sinkFailure } from '../failures.ts'
import { nameable, nameText } from '../line-protocol/names.ts'
import type { Connection, HttpRequest, Outcome } from './connection.ts'
import type { Endpoint, NumberField } from './endpoint.ts'
import { short } from './refused-lines.ts'
import { messageIn, writeResponse } from './write-response.ts'

export type Answer = Extract<Outcome, { status: number }>

/** One request to the database other than a write. */
export type Query = (request: HttpRequest, signal: AbortSignal) => Promise<Answer>

/** Where to ask, and until when. */
export interface QueryContext {
  readonly query: Query
  readonly endpoint: Endpoint
  /** All that the configuration writes to. */
  readonly measurements: readonly string[]
  /** Fields that are to hold numbers, besides `value`. */
  readonly numberFields: readonly NumberField[]
  readonly tagNames: readonly string[]
  readonly signal: AbortSignal
  /** The longest range that the database takes in one query: learned, and kept for as long as the sink is open. */
  readonly slice: { ms: number }
}

/** How a database gives back what was written to it. */
export interface ReadBack {
  /** Of series of one measurement. Those of which it holds nothing may be left out. */
  readonly counts: (
    context: QueryContext,
    series: readonly Series[],
    range: TimeRange,
  ) => Promise<ReadonlyMap<Series, number>>
  readonly read: (context: QueryContext, series: Series, range: TimeRange) => AsyncIterable<Point>
}

/** Tries twice, then throws a Failure `sink-unreachable`: a query does not wait for a database. Resolves with any status. */
export function createQuery(parts: { connection: Connection; endpoint: Endpoint; clock: Clock }): Query {
  const { connection, endpoint, clock } = parts
  return async (request, signal) => {
    let last = 'no answer'
    for (let attempt = 0; attempt < 2; attempt++) {
      const outcome = await connection.send(request, signal)
      if (outcome.status !== undefined) return outcome
      if (outcome.code === 'TOO_LARGE')
        throw sinkFailure('sink-answer-too-large', `${endpoint.label}: ${outcome.detail}`)
      // the dialect does not matter where there is no answer
      const response = writeResponse(outcome, { dialect: 'influxdb-1', endpoint, lines: [], now: clock.now() })
      if (response.act === 'stop') throw response.failure
      last = outcome.detail
    }
    throw unreachable(endpoint, last)
  }
}

/** Throws a Failure `sink-unreachable` when the work takes longer. */
export async function within<T>(
  ms: number,
  signal: AbortSignal,
  endpoint: Endpoint,
  work: (limited: AbortSignal) => Promise<T>,
): Promise<T> {
  const limit = AbortSignal.timeout(ms)
  try {
    return await work(AbortSignal.any([signal, limit]))
  } catch (error) {
    if (error !== limit.reason) throw error
    throw unreachable(endpoint, `no complete answer within ${ms / 1000} s`)
  }
}

function unreachable({ label, url }: Endpoint, why: string): Failure {
  const advice = `Is the database running, and is ${url} its address as seen from this machine?`
  return sinkFailure('sink-unreachable', `${label} is not reachable: ${why}`, { advice })
}

type Revive = (key: string, value: unknown, context: { source?: string }) => unknown

/** What a JSON answer says, by its schema. Throws a Failure `sink-unreadable` for an answer of another form. */
export function parseAnswer<T>(schema: z.ZodType<T>, endpoint: Endpoint, answer: Answer, revive?: Revive): T {
  const parsed = answer.status === 200 ? schema.safeParse(jsonOf(answer.body, revive)) : undefined
  if (parsed?.success !== true) throw unreadable(endpoint, answer)
  return parsed.data
}

/** Undefined for a text that is no JSON. */
export function jsonOf(text: string, revive?: Revive): unknown {
  try {
    return JSON.parse(text, revive as (key: string, value: unknown) => unknown)
  } catch {
    return undefined
  }
}

/** For an answer that is not what was asked for. */
export function unreadable({ label, name, url }: Endpoint, { status, body }: Answer): Failure {
  const text = messageIn(status, body)
  if (status === 200)
    return sinkFailure('sink-unreadable', `${label} answers a query with something else: ${short(text)}`, {
      advice: `Does another server, or a proxy, answer at ${url}?`,
    })
  const message = `${label} does not answer a query: ${short(text)}`
  if (/queue length exceeded|memory allocation limit reached/.test(text)) return sinkFailure('sink-busy', message)
  if ([401, 403, 404].includes(status) || /database not found|could not find bucket/.test(text))
    return sinkFailure('sink-unreadable', message, {
      advice: `Reading back needs a login or token that may read ${name}; where it may, is there another database of that name (influx v1 dbrp list)?`,
    })
  return sinkFailure('sink-unreadable', message, status >= 500 && !/^Schema error/.test(text) ? { retry: 'later' } : {})
}

/** A server that gives one page again and again would be read for ever. */
export function disordered({ endpoint }: QueryContext): Failure {
  return unreadable(endpoint, { status: 200, headers: {}, body: 'the times of a page are not in order' })
}

export function headerText({ headers }: Answer, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'string' ? value : undefined
}

/** More values of a tag are not listed in a condition: the answer then holds series that were not asked for. */
const mostValues = 50

/** What narrows a query down to about these series: tags that all of them have, each with its values. */
export function sharedTags(series: readonly Series[]): ReadonlyMap<string, readonly string[]> {
  const [first, ...others] = series
  const shared = new Map<string, readonly string[]>()
  for (const [key, value] of first?.tags ?? []) {
    const values = new Set([value])
    const isShared = others.every(({ tags }) => tags.has(key) && values.add(tags.get(key)!))
    if (isShared && values.size <= mostValues) shared.set(key, [...values])
  }
  return shared
}

/** Finds a series by its tags as they are stored: one with a tag more is another series. */
export function finderOf(
  series: readonly Series[],
): (stored: readonly (readonly [string, string])[]) => Series | undefined {
  const keyOf = (tags: readonly (readonly [string, string])[]) =>
    JSON.stringify([...tags].sort(([a], [b]) => (a < b ? -1 : 1)))
  const known = new Map(
    series.map(one => [keyOf([...one.tags].map(([key, value]) => [nameText(key), nameable(value)] as const)), one]),
  )
  return tags => known.get(keyOf(tags))
}
