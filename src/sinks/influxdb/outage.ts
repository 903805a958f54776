import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { Logger } from 'pino'
import { backoffMs } from '../../domain/backoff.ts'
import type { Clock } from '../../domain/clock.ts'
import type { Failure } from '../../domain/failure.ts'
import { sinkFailure } from '../failures.ts'
import type { Outage, ReadyWaiting, WriteWaiting } from '../sink.ts'
import type { Connection, HttpRequest } from './connection.ts'
import { type DialectName, type Endpoint, writePath } from './endpoint.ts'
import { writeResponse } from './write-response.ts'

const gzipped = promisify(gzip)

/** Why the database has to be asked again, and not before when, where it says so itself. */
export interface Trouble {
  readonly reason: string
  readonly afterMs: number | undefined
}

/**
 * Waits for a database that is away or busy; says so once at the beginning and once at the end. One for all writes of a
 * sink: what the database asks for in one answer (`Retry-After`) holds for every request.
 *
 *   answering ──trouble──► away ──an answer──► answering     (but not before the time that the database asked for)
 *
 * A wait is longer each time until a write is answered. Who has no outages left gives up with `database-away`, and may
 * come again when `outlast` has resolved.
 */
export interface OutageGate {
  /** Before every request. */
  pass(signal: AbortSignal, waiting: WriteWaiting): Promise<void>
  wait(trouble: Trouble, signal: AbortSignal, waiting: WriteWaiting): Promise<void>
  /** The database has answered a write. */
  answered(waiting: WriteWaiting): void
  /** Resolves when a probe is answered, at once where nothing is amiss, or at the deadline. */
  outlast(
    probe: (signal: AbortSignal) => Promise<Trouble | undefined>,
    signal: AbortSignal,
    waiting: ReadyWaiting,
  ): Promise<void>
}

const firstWaitMs = 500
/** With the time between two passes of a schedule, the end of an outage is noticed within a minute. */
const longestWaitMs = 30_000

export function createOutageGate(parts: { clock: Clock; log: Logger; label: string }): OutageGate {
  const { clock, log, label } = parts
  let outage: Outage | undefined
  let attempt = 0
  let notBefore = Number.NEGATIVE_INFINITY
  /** When the database may be asked again: it belongs to the database, and holds for whatever waits for it. */
  let nextProbeAt = Number.NEGATIVE_INFINITY
  const told = new WeakSet<WriteWaiting>()

  function note({ reason, afterMs = 0 }: Trouble, now: number): void {
    attempt++
    notBefore = Math.max(notBefore, now + afterMs)
    if (outage === undefined) log.warn({ sink: label, reason }, 'waiting for the database')
    else log.debug({ sink: label, reason, attempt }, 'still waiting for the database')
    outage = { since: outage?.since ?? now, reason }
    nextProbeAt = now + restMs(now)
  }

  function restMs(now: number): number {
    return backoffMs(attempt, { firstMs: firstWaitMs, mostMs: longestWaitMs }, notBefore - now)
  }

  function end(): void {
    if (outage === undefined || clock.now() < notBefore) return
    log.info({ sink: label, awayMs: clock.now() - outage.since }, 'the database is back')
    outage = undefined
  }

  async function hold(ms: number, signal: AbortSignal, waiting: WriteWaiting): Promise<void> {
    const { patienceMs, tell } = waiting
    if (outage !== undefined) {
      tell?.(outage)
      told.add(waiting)
      if (patienceMs !== undefined && clock.now() + ms - outage.since > patienceMs) throw away(label, outage)
    }
    if (ms > 0) await clock.sleep(ms, signal)
  }

  return {
    async pass(signal, waiting) {
      if (outage !== undefined) await hold(Math.max(0, notBefore - clock.now()), signal, waiting)
    },
    async wait(trouble, signal, waiting) {
      const now = clock.now()
      note(trouble, now)
      await hold(nextProbeAt - now, signal, waiting)
    },
    answered(waiting) {
      attempt = 0
      end()
      if (outage === undefined && told.delete(waiting)) waiting.tell?.(undefined)
    },
    async outlast(probe, signal, { deadline = Number.POSITIVE_INFINITY, tell }) {
      const isAway = outage !== undefined
      while (outage !== undefined) {
        tell?.(outage)
        const now = clock.now()
        // a clock that was set back must not lead to a wait of years
        const leftMs = Math.min(nextProbeAt - now, Math.max(longestWaitMs, notBefore - now))
        await clock.sleep(Math.max(0, Math.min(leftMs, deadline - now)), signal)
        if (outage === undefined) break
        // a probe that is due is sent, however little time is left: a later pass would find the same
        if (clock.now() < nextProbeAt && clock.now() >= deadline) return
        const trouble = await probe(signal)
        if (trouble !== undefined) note(trouble, clock.now())
        else end()
        if (clock.now() >= deadline) return
      }
      if (isAway) tell?.(undefined)
    },
  }
}

function away(label: string, { reason }: Outage): Failure {
  return sinkFailure('database-away', `${label} does not answer: ${reason}`)
}

/** Finds out whether a database that was away, or that refused a write for good, takes points again: at the price of one line. */
export interface Probe {
  /** A line that could not be written: to write it once more changes nothing (law 4), and a full disk shows. */
  remember(line: string, isRefused?: boolean): void
  /** True: the last write was refused for good. */
  readonly isRefused: boolean
  /** Undefined: the database answers. Throws a Failure when waiting cannot help. */
  send(signal: AbortSignal): Promise<Trouble | undefined>
}

interface ProbeParts {
  readonly connection: Connection
  readonly endpoint: Endpoint
  readonly clock: Clock
  /** Of the database that has been written to. */
  readonly dialect: () => DialectName
}

export function createProbe({ connection, endpoint, clock, dialect }: ProbeParts): Probe {
  let line: string | undefined
  let isRefused = false
  return {
    get isRefused() {
      return isRefused
    },
    remember(text, refused = false) {
      line = text
      isRefused = refused
    },
    async send(signal) {
      const request =
        line === undefined
          ? ({ method: 'GET', path: '/ping' } as const)
          : await writeRequest(line, writePath(endpoint, dialect()))
      const outcome = await connection.send(request, signal)
      const response = writeResponse(outcome, {
        dialect: dialect(),
        endpoint,
        lines: line === undefined ? [] : [line],
        now: clock.now(),
      })
      if (response.act === 'wait') return response
      // what /ping says is judged when the server is detected
      if (response.act === 'stop' && line !== undefined) throw response.failure
      isRefused = false
      return undefined
    },
  }
}

export async function writeRequest(lines: string, path: string): Promise<HttpRequest> {
  return {
    method: 'POST',
    path,
    body: await gzipped(lines, { level: 1 }),
    headers: { 'content-type': 'text/plain; charset=utf-8', 'content-encoding': 'gzip' },
  }
}
