import type { Logger } from 'pino'
import type { Clock } from '../../domain/clock.ts'
import type { Failure } from '../../domain/failure.ts'
import { sinkFailure } from '../failures.ts'
import type { WriteWaiting } from '../sink.ts'
import type { Connection } from './connection.ts'
import { dialects } from './dialects.ts'
import type { DialectName, Endpoint, InfluxOptions } from './endpoint.ts'
import type { OutageGate } from './outage.ts'
import { type Answer, headerText, jsonOf, type QueryContext } from './query.ts'
import { messageIn, statusFailure, writeResponse } from './write-response.ts'

/** What has to be known of a database before anything is written to it. */
export interface ServerTraits {
  readonly dialect: DialectName
  /** Asked for only where the database drops what is beyond them with a 204. */
  readonly retentionMs: number | undefined
  readonly aheadMs: number | undefined
}

interface DetectionParts {
  readonly connection: Connection
  readonly endpoint: Endpoint
  readonly outages: OutageGate
  readonly options: InfluxOptions
  readonly contextOf: (signal: AbortSignal) => QueryContext
  readonly clock: Clock
  readonly log: Logger
}

/** People change how long a database keeps its points. */
const askAgainMs = 3_600_000

/** Asks once and remembers; asks again every hour where that can change what must not be sent. Waits for a database that is away. */
export function createDetection(
  parts: DetectionParts,
): (signal: AbortSignal, waiting?: WriteWaiting) => Promise<ServerTraits> {
  let known: ServerTraits | undefined
  let askedAt = 0
  return async (signal, waiting = {}) => {
    const now = parts.clock.now()
    if (known === undefined || (dialects[known.dialect].dropsInSilence && now - askedAt >= askAgainMs)) {
      known = await detect(parts, signal, waiting)
      askedAt = now
    }
    return known
  }
}

async function detect(parts: DetectionParts, signal: AbortSignal, waiting: WriteWaiting): Promise<ServerTraits> {
  const { endpoint, options, log, outages } = parts
  const context = parts.contextOf(signal)
  while (true) {
    const ping = await askPing(parts, signal, waiting)
    try {
      const { dialect } = await detectServer(ping, context, options)
      log.debug({ sink: endpoint.label, dialect }, 'the kind of database is known')
      const { requireDatabase, dropsInSilence, retention } = dialects[dialect]
      await requireDatabase?.(context)
      const { retentionMs, aheadMs } = dropsInSilence
        ? await retention(context)
        : { retentionMs: undefined, aheadMs: undefined }
      return { dialect, retentionMs, aheadMs }
    } catch (error) {
      if (!sinkFailure.is(error, 'sink-unreachable')) throw error
      await outages.wait({ reason: error.message, afterMs: undefined }, signal, waiting)
    }
  }
}

async function askPing(
  { connection, endpoint, outages, clock }: DetectionParts,
  signal: AbortSignal,
  waiting: WriteWaiting,
): Promise<Answer> {
  while (true) {
    await outages.pass(signal, waiting)
    const outcome = await connection.send({ method: 'GET', path: '/ping' }, signal)
    if (outcome.status !== undefined) {
      const failure = pingFailure(outcome, endpoint)
      if (failure === undefined) return outcome
      if (failure.retry === 'never') throw failure
    }
    const response = writeResponse(outcome, { dialect: 'influxdb-1', endpoint, lines: [], now: clock.now() })
    if (response.act === 'stop') throw response.failure
    const trouble = { reason: `/ping: HTTP ${outcome.status}`, afterMs: undefined }
    await outages.wait(response.act === 'wait' ? response : trouble, signal, waiting)
  }
}

/** Not every server answers everybody there: then the write that follows gets the reason. */
const hidden: ReadonlySet<number> = new Set([401, 403, 404, 405])

/** Undefined for an answer that a database may give. A web server's 400 would make every point a dead letter. */
export function pingFailure({ status, headers, body }: Answer, endpoint: Endpoint): Failure | undefined {
  if (status < 300 || hidden.has(status)) return undefined
  const sent = { dialect: 'influxdb-1', endpoint, lines: [], now: 0 } as const
  const response = writeResponse({ status, headers, body }, sent)
  if (response.act === 'stop') return response.failure
  if (response.act === 'wait') return sinkFailure('sink-busy', `${endpoint.label} is busy: ${response.reason}`)
  return statusFailure(endpoint, status, messageIn(status, body))
}

/** Which database answers. */
export interface Server {
  readonly dialect: DialectName
  /** `influxdb 2.x` */
  readonly kind: string
  readonly version: string | undefined
  /** True: the server does not tell, and this is what the options suggest. */
  readonly isGuess: boolean
}

/**
 * `/ping` tells most of the time; behind a proxy that hides it `/health` may, or VictoriaMetrics' own `/metrics`. Throws
 * a Failure for a database that does not know the API which the options name.
 */
export async function detectServer(
  ping: Answer,
  { query, endpoint, signal }: QueryContext,
  { server, version }: Pick<InfluxOptions, 'server' | 'version'>,
): Promise<Server> {
  const get = (path: string) => query({ method: 'GET', path }, signal)
  if (server !== undefined) {
    const seen = seenIn(ping)
    return { dialect: server, kind: dialects[server].label, version: seen?.version, isGuess: false }
  }
  const seen = seenIn(ping) ?? seenIn(await get('/health')) ?? seenInMetrics(await get('/metrics'))
  const major = seen?.major ?? version ?? endpoint.api
  if (major === 'victoria') {
    const dialect = 'victoria-metrics'
    return { dialect, kind: dialects[dialect].label, version: seen?.version, isGuess: false }
  }
  const wrong = seen === undefined ? undefined : wrongApi(endpoint, major, seen.version)
  if (wrong !== undefined) throw wrong
  // 2.x with a database in place of a bucket answers as 1.x does.
  const dialect: DialectName = `influxdb-${major === 2 && endpoint.api === 1 ? 1 : major}`
  return { dialect, kind: `influxdb ${major}.x`, version: seen?.version, isGuess: seen === undefined }
}

interface Seen {
  readonly major: 1 | 2 | 3 | 'victoria'
  readonly version: string | undefined
}

function seenIn(answer: Answer): Seen | undefined {
  const body = Object(jsonOf(answer.body)) as Readonly<Record<string, unknown>>
  const inBody = typeof body['version'] === 'string' ? body['version'] : undefined
  const version = (headerText(answer, 'x-influxdb-version') ?? inBody)?.replace(/^v/, '')
  const major = /^([123])\./.exec(version ?? '')?.[1]
  if (major !== undefined) return { major: Number(major) as 1 | 2 | 3, version }
  // every answer of 3.x bears it, a refusal too
  if (headerText(answer, 'cluster-uuid') !== undefined) return { major: 3, version: undefined }
  // a 2.x that was built without a version calls itself dev; 1.x tells no commit here
  if (body['name'] === 'influxdb' && Array.isArray(body['checks']) && 'commit' in body) return { major: 2, version }
  // VictoriaMetrics tells no version here, but its host's name (1.79).
  return headerText(answer, 'x-server-hostname') === undefined ? undefined : { major: 'victoria', version: undefined }
}

function seenInMetrics({ status, body }: Answer): Seen | undefined {
  const [, version] = /^vm_app_version\{.*short_version="v?([^"]*)"/m.exec(body) ?? []
  return status === 200 && version !== undefined ? { major: 'victoria', version } : undefined
}

function wrongApi(endpoint: Endpoint, major: 1 | 2 | 3, version = ''): Failure | undefined {
  const { label, api, retentionPolicy } = endpoint
  const is = `${label}: this is InfluxDB ${version || `${major}.x`}`
  // Writing with org and bucket came with 1.8.
  if (api === 2 && /^1\.[0-7]\./.test(version))
    return sinkFailure('sink-version', `${is}, which knows no org and no bucket`, {
      advice: 'Set version: 1 and database: (the name of the database) in place of org and bucket.',
    })
  if (api === 3 && major !== 3)
    return sinkFailure('sink-version', `${is}, and the configuration says version: 3`, {
      advice: major === 2 ? 'Set version: 2, org and bucket.' : 'Set version: 1; the database stays.',
    })
  if (major === 3 && retentionPolicy !== undefined && retentionPolicy !== 'autogen')
    return sinkFailure('sink-version', `${is}, which knows no retention policies`, {
      advice: 'Leave out retentionPolicy: it would become part of the name of the database.',
    })
  return undefined
}
