import type { Clock } from '../../domain/clock.ts'
import { Failure } from '../../domain/failure.ts'
import type { SinkReport } from '../sink.ts'
import { dialects } from './dialects.ts'
import type { InfluxOptions } from './endpoint.ts'
import { type QueryContext, unreachable } from './query.ts'
import { detectServer } from './server-detection.ts'
import { interpret } from './write-response.ts'

/** However long the timeout of writes is: somebody is looking at the screen. */
const longestMs = 15_000

/** Reachable, may write, how long it keeps. Throws a Failure rather than to wait for better times. */
export async function checkInflux(context: QueryContext, options: InfluxOptions, clock: Clock): Promise<SinkReport> {
  const limit = AbortSignal.timeout(longestMs)
  try {
    return await report({ ...context, signal: AbortSignal.any([context.signal, limit]) }, options, clock)
  } catch (error) {
    if (error !== limit.reason) throw error
    throw unreachable(context.endpoint, `no answer within ${longestMs / 1000} s`)
  }
}

async function report(context: QueryContext, options: InfluxOptions, clock: Clock): Promise<SinkReport> {
  const { ask, endpoint, signal } = context
  const get = (path: string) => ask({ method: 'GET', path }, signal)
  const { kind: name, version, isGuess } = await detectServer(await get('/ping'), get, endpoint, options)
  // Without a line in it: asks for the right to write, and changes nothing (204 on 1.6.7).
  const probe = interpret(await ask({ method: 'POST', path: endpoint.writePath }, signal), [], endpoint, clock.now())
  if (probe.act === 'stop') throw probe.failure
  if (probe.act === 'wait')
    throw new Failure(`${endpoint.label} is busy: ${probe.reason}`, {
      code: 'sink-busy',
      retry: 'later',
      reach: 'sink',
      advice: 'Look into the log of the database.',
    })
  const kind = dialects[name]
  const guesses = isGuess
    ? [`Which database this is, is a guess (${kind.label}): it does not tell. Set server: in the config.`]
    : []
  const { retentionMs, warnings } = await kind.retention(context)
  const refusals = probe.act === 'refused' ? [`A write without points is refused: ${probe.reason}`] : []
  return {
    kind: version === undefined ? kind.label : kind.label.replace(/\d/, version[0]!),
    version,
    retentionMs,
    ...(kind.holdsTexts ? {} : { exact: false }),
    ...(kind.overwrites ? {} : { overwrites: false }),
    warnings: [
      ...guesses,
      ...kind.warnings,
      ...refusals,
      ...warnings,
      ...(await readable(kind.fieldConflicts(context))),
    ],
  }
}

/** A login that may write but not read is no reason to fail. */
async function readable(found: Promise<readonly string[]>): Promise<readonly string[]> {
  try {
    return await found
  } catch (error) {
    if (error instanceof Failure && error.code === 'sink-unreadable')
      return [`Whether the existing fields hold other types than ours is not checked: ${error.message}.`]
    throw error
  }
}
