import type { Logger } from 'pino'
import type { Clock } from '../../domain/clock.ts'
import { Failure } from '../../domain/failure.ts'
import type { WriteWaiting } from '../sink.ts'
import type { Connection } from './connection.ts'
import { dialects } from './dialects.ts'
import type { DialectName, Endpoint, InfluxOptions } from './endpoint.ts'
import type { OutageGate } from './outage.ts'
import { type Answer, headerText, type QueryContext } from './query.ts'
import { interpret, reasonOf, statusFailure } from './write-response.ts'

/** What has to be known of a database before anything is written to it. */
export interface ServerTraits {
  readonly kind: DialectName
  /** Asked for only where the database drops what is beyond them without a word. */
  readonly retentionMs: number | undefined
  readonly aheadMs: number | undefined
}

interface MeetingParts {
  readonly connection: Connection
  readonly endpoint: Endpoint
  readonly outages: OutageGate
  readonly options: InfluxOptions
  readonly contextOf: (signal: AbortSignal) => QueryContext
  readonly clock: Clock
  readonly log: Logger
}

/** Asks once and remembers; waits for a database that is away. */
export function createDetection(
  parts: MeetingParts,
): (signal: AbortSignal, waiting?: WriteWaiting) => Promise<ServerTraits> {
  let known: ServerTraits | undefined
  return async (signal, waiting = {}) => {
    known ??= await meet(parts, signal, waiting)
    return known
  }
}

async function meet(parts: MeetingParts, signal: AbortSignal, waiting: WriteWaiting): Promise<ServerTraits> {
  const { endpoint, options, log, outages } = parts
  const context = parts.contextOf(signal)
  while (true) {
    const ping = await askPing(parts, signal, waiting)
    try {
      const { kind } = await detectServer(ping, path => context.ask({ method: 'GET', path }, signal), endpoint, options)
      log.debug({ sink: endpoint.label, kind }, 'the database is known')
      if (!dialects[kind].dropsInSilence) return { kind, retentionMs: undefined, aheadMs: undefined }
      const { retentionMs, aheadMs } = await dialects[kind].retention(context)
      return { kind, retentionMs, aheadMs }
    } catch (error) {
      if (!(error instanceof Failure) || error.code !== 'sink-unreachable') throw error
      await outages.wait({ reason: error.message, afterMs: undefined }, signal, waiting)
    }
  }
}

/** Not everybody lets everybody ask: the write that follows will be told why, if there is a why. */
const mute: ReadonlySet<number> = new Set([401, 403, 404, 405])

async function askPing(
  { connection, endpoint, outages, clock }: MeetingParts,
  signal: AbortSignal,
  waiting: WriteWaiting,
): Promise<Answer> {
  while (true) {
    await outages.pass(signal, waiting)
    const outcome = await connection.send({ method: 'GET', path: '/ping' }, signal)
    if (outcome.status !== undefined && (outcome.status < 300 || mute.has(outcome.status))) return outcome
    const response = interpret(outcome, [], endpoint, clock.now())
    if (response.act === 'stop') throw response.failure
    // A web server that is no database: its 400 to a write would turn every point into a dead letter.
    if (response.act !== 'wait' && outcome.status !== undefined)
      throw statusFailure(endpoint, outcome.status, reasonOf(outcome.status, outcome.body))
    if (response.act === 'wait') await outages.wait(response, signal, waiting)
  }
}

/** Which database answers. */
export interface Identity {
  readonly kind: DialectName
  readonly version: string | undefined
  /** True: nothing tells, and this is what the options suggest. */
  readonly isGuess: boolean
}

/** Asks one path; whatever the status, an answer may tell by its headers. */
type AskPath = (path: string) => Promise<Answer>

/**
 * `/ping` tells most of the time; behind a proxy that hides it `/health` may, or VictoriaMetrics' own `/metrics`. Throws
 * a Failure for a database that does not know the write API which the options name.
 */
export async function detectServer(
  ping: Answer,
  ask: AskPath,
  endpoint: Endpoint,
  { server, version }: Pick<InfluxOptions, 'server' | 'version'>,
): Promise<Identity> {
  const told = toldBy(ping, endpoint)
  if (server !== undefined) return { kind: server, version: told?.version, isGuess: false }
  const found = told ?? toldBy(await ask('/health'), endpoint) ?? ownMetrics(await ask('/metrics'))
  if (found === undefined) return { kind: `influxdb-${version ?? endpoint.api}`, version: undefined, isGuess: true }
  // Writing with org and bucket came with 1.8.
  if (endpoint.api === 2 && /^1\.[0-7]\./.test(found.version ?? '')) throw wrongApi(endpoint, found.version)
  return { ...found, isGuess: false }
}

type Told = Pick<Identity, 'kind' | 'version'>

function toldBy(answer: Answer, endpoint: Endpoint): Told | undefined {
  const version = (headerText(answer, 'x-influxdb-version') ?? versionInBody(answer))?.replace(/^v/, '')
  const major = /^([123])\./.exec(version ?? '')?.[1]
  // 2.x with a database in endpoint of a bucket: it plays 1.x, and answers to what 1.x is asked.
  if (major !== undefined)
    return { kind: major === '2' && endpoint.api === 1 ? 'influxdb-1' : `influxdb-${major as '1'}`, version }
  // VictoriaMetrics tells no version here, but its host's name (1.79).
  if (headerText(answer, 'x-server-hostname') !== undefined) return { kind: 'victoria-metrics', version: undefined }
  return undefined
}

/** `/health` of 1.8 and 2.x: `{"name":"influxdb","status":"pass","version":"v2.7.4"}`; `/ping` of 3.x tells it too. */
function versionInBody({ body }: Answer): string | undefined {
  try {
    const { version } = JSON.parse(body) as { version?: unknown }
    return typeof version === 'string' ? version : undefined
  } catch {
    return undefined
  }
}

function ownMetrics({ status, body }: Answer): Told | undefined {
  const [, version] = /^vm_app_version\{.*short_version="v?([^"]*)"/m.exec(body) ?? []
  return status === 200 && version !== undefined ? { kind: 'victoria-metrics', version } : undefined
}

function wrongApi({ label }: Endpoint, version: string | undefined): Failure {
  return new Failure(`${label}: this is InfluxDB ${version}, which knows no org and no bucket`, {
    code: 'sink-version',
    retry: 'never',
    reach: 'sink',
    advice: 'Set version: 1 and database: (the name of the database) in endpoint of org and bucket.',
  })
}
