import type { Clock } from '../../domain/clock.ts'
import { sinkFailure } from '../failures.ts'
import type { CheckPurpose, SinkReport } from '../sink.ts'
import { dialects } from './dialects.ts'
import { type InfluxOptions, writePath } from './endpoint.ts'
import { type QueryContext, within } from './query.ts'
import { detectServer, pingFailure } from './server-detection.ts'
import { statusFailure, writeResponse } from './write-response.ts'

/** However long the timeout of writes is: a person is waiting. */
const longestMs = 15_000

/** Reachable, may write, how long it keeps. Throws a Failure rather than waiting for a database that is away. */
export function checkInflux(
  context: QueryContext,
  options: InfluxOptions,
  purpose: CheckPurpose,
  clock: Clock,
): Promise<SinkReport> {
  return within(longestMs, context.signal, context.endpoint, signal =>
    report({ ...context, signal }, options, purpose, clock),
  )
}

async function report(
  context: QueryContext,
  options: InfluxOptions,
  purpose: CheckPurpose,
  clock: Clock,
): Promise<SinkReport> {
  const { query, endpoint, signal } = context
  const ping = await query({ method: 'GET', path: '/ping' }, signal)
  const refused = pingFailure(ping, endpoint)
  if (refused !== undefined) throw refused
  const { dialect: name, kind, version, isGuess } = await detectServer(ping, context, options)
  const dialect = dialects[name]
  await dialect.requireDatabase?.(context)
  // Not on InfluxDB 3, where even an empty write makes the database.
  if (purpose === 'write' && dialect.takesEmptyWrite) {
    const answer = await query({ method: 'POST', path: writePath(endpoint, name) }, signal)
    const response = writeResponse(answer, { dialect: name, endpoint, lines: [], now: clock.now() })
    if (response.act === 'stop') throw response.failure
    if (response.act === 'wait') throw sinkFailure('sink-busy', `${endpoint.label} is busy: ${response.reason}`)
    if (response.act !== 'stored') throw statusFailure(endpoint, answer.status, answer.body.trim())
  }
  const guesses = isGuess
    ? [`Which database this is, is a guess (${dialect.label}): it does not tell. Set server: in the configuration.`]
    : []
  const { retentionMs, warnings } = await dialect.retention(context)
  return {
    kind,
    version,
    retentionMs,
    ...(dialect.holdsTexts ? {} : { exact: false }),
    ...(dialect.overwrites ? {} : { overwrites: false }),
    warnings: [...guesses, ...dialect.warnings, ...warnings, ...(await readable(dialect.fieldConflicts(context)))],
  }
}

/** A login that may write but not read is no reason to fail. */
async function readable(found: Promise<readonly string[]>): Promise<readonly string[]> {
  try {
    return await found
  } catch (error) {
    if (sinkFailure.is(error, 'sink-unreadable')) {
      const why = error.message.replace(/\.$/, '')
      return [`Whether the existing fields hold other types than ours is not checked: ${why}.`]
    }
    throw error
  }
}
