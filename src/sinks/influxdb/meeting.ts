import type { Logger } from 'pino'
import type { Clock } from '../../domain/clock.ts'
import { Failure } from '../../domain/failure.ts'
import type { WriteWaiting } from '../sink.ts'
import type { Answer } from './ask.ts'
import type { Connection } from './connection.ts'
import { identify } from './identity.ts'
import { kinds } from './kinds.ts'
import type { Patience } from './patience.ts'
import type { InfluxOptions, KindName, Place } from './place.ts'
import type { Question } from './question.ts'
import { judge, reasonOf, statusFailure } from './verdict.ts'

/** What has to be known of a database before anything is written to it. */
export interface Acquaintance {
  readonly kind: KindName
  /** Asked for only where the database drops what is beyond them without a word. */
  readonly retentionMs: number | undefined
  readonly aheadMs: number | undefined
}

interface MeetingParts {
  readonly connection: Connection
  readonly place: Place
  readonly patience: Patience
  readonly options: InfluxOptions
  readonly questionOf: (signal: AbortSignal) => Question
  readonly clock: Clock
  readonly log: Logger
}

/** Asks once and remembers; waits for a database that is away. */
export function openMeeting(
  parts: MeetingParts,
): (signal: AbortSignal, waiting?: WriteWaiting) => Promise<Acquaintance> {
  let known: Acquaintance | undefined
  return async (signal, waiting = {}) => {
    known ??= await meet(parts, signal, waiting)
    return known
  }
}

async function meet(parts: MeetingParts, signal: AbortSignal, waiting: WriteWaiting): Promise<Acquaintance> {
  const { place, options, log, patience } = parts
  const question = parts.questionOf(signal)
  while (true) {
    const ping = await askPing(parts, signal, waiting)
    try {
      const { kind } = await identify(ping, path => question.ask({ method: 'GET', path }, signal), place, options)
      log.debug({ sink: place.label, kind }, 'the database is known')
      if (!kinds[kind].dropsInSilence) return { kind, retentionMs: undefined, aheadMs: undefined }
      const { retentionMs, aheadMs } = await kinds[kind].retention(question)
      return { kind, retentionMs, aheadMs }
    } catch (error) {
      if (!(error instanceof Failure) || error.code !== 'sink-unreachable') throw error
      await patience.wait({ reason: error.message, afterMs: undefined }, signal, waiting)
    }
  }
}

/** Not everybody lets everybody ask: the write that follows will be told why, if there is a why. */
const mute: ReadonlySet<number> = new Set([401, 403, 404, 405])

async function askPing(
  { connection, place, patience, clock }: MeetingParts,
  signal: AbortSignal,
  waiting: WriteWaiting,
): Promise<Answer> {
  while (true) {
    await patience.pass(signal, waiting)
    const outcome = await connection.send({ method: 'GET', path: '/ping' }, signal)
    if (outcome.status !== undefined && (outcome.status < 300 || mute.has(outcome.status))) return outcome
    const verdict = judge(outcome, [], place, clock.now())
    if (verdict.act === 'stop') throw verdict.failure
    // A web server that is no database: its 400 to a write would turn every point into a dead letter.
    if (verdict.act !== 'wait' && outcome.status !== undefined)
      throw statusFailure(place, outcome.status, reasonOf(outcome.status, outcome.body))
    if (verdict.act === 'wait') await patience.wait(verdict, signal, waiting)
  }
}
