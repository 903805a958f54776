import type { Clock } from '../../domain/clock.ts'
import { Failure } from '../../domain/failure.ts'
import type { SinkReport } from '../sink.ts'
import { unreachable } from './ask.ts'
import { identify } from './identity.ts'
import { kinds } from './kinds.ts'
import type { InfluxOptions } from './place.ts'
import type { Question } from './question.ts'
import { judge } from './verdict.ts'

/** However long the timeout of writes is: somebody is looking at the screen. */
const longestMs = 15_000

/** Reachable, may write, how long it keeps. Throws a Failure rather than to wait for better times. */
export async function checkInflux(question: Question, options: InfluxOptions, clock: Clock): Promise<SinkReport> {
  const limit = AbortSignal.timeout(longestMs)
  try {
    return await report({ ...question, signal: AbortSignal.any([question.signal, limit]) }, options, clock)
  } catch (error) {
    if (error !== limit.reason) throw error
    throw unreachable(question.place, `no answer within ${longestMs / 1000} s`)
  }
}

async function report(question: Question, options: InfluxOptions, clock: Clock): Promise<SinkReport> {
  const { ask, place, signal } = question
  const get = (path: string) => ask({ method: 'GET', path }, signal)
  const { kind: name, version, isGuess } = await identify(await get('/ping'), get, place, options)
  // Without a line in it: asks for the right to write, and changes nothing (204 on 1.6.7).
  const probe = judge(await ask({ method: 'POST', path: place.writePath }, signal), [], place, clock.now())
  if (probe.act === 'stop') throw probe.failure
  if (probe.act === 'wait')
    throw new Failure(`${place.label} is busy: ${probe.reason}`, {
      code: 'sink-busy',
      retry: 'later',
      reach: 'sink',
      advice: 'Look into the log of the database.',
    })
  const kind = kinds[name]
  const guesses = isGuess
    ? [`Which database this is, is a guess (${kind.label}): it does not tell. Set server: in the config.`]
    : []
  const { retentionMs, warnings } = await kind.retention(question)
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
      ...(await readable(kind.fieldConflicts(question))),
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
