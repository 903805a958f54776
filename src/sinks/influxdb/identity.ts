import { Failure } from '../../domain/failure.ts'
import { type Answer, headerText } from './ask.ts'
import type { InfluxOptions, KindName, Place } from './place.ts'

/** Which database answers. */
export interface Identity {
  readonly kind: KindName
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
export async function identify(
  ping: Answer,
  ask: AskPath,
  place: Place,
  { server, version }: Pick<InfluxOptions, 'server' | 'version'>,
): Promise<Identity> {
  const told = toldBy(ping, place)
  if (server !== undefined) return { kind: server, version: told?.version, isGuess: false }
  const found = told ?? toldBy(await ask('/health'), place) ?? ownMetrics(await ask('/metrics'))
  if (found === undefined) return { kind: `influxdb-${version ?? place.api}`, version: undefined, isGuess: true }
  // Writing with org and bucket came with 1.8.
  if (place.api === 2 && /^1\.[0-7]\./.test(found.version ?? '')) throw wrongApi(place, found.version)
  return { ...found, isGuess: false }
}

type Told = Pick<Identity, 'kind' | 'version'>

function toldBy(answer: Answer, place: Place): Told | undefined {
  const version = (headerText(answer, 'x-influxdb-version') ?? versionInBody(answer))?.replace(/^v/, '')
  const major = /^([123])\./.exec(version ?? '')?.[1]
  // 2.x with a database in place of a bucket: it plays 1.x, and answers to what 1.x is asked.
  if (major !== undefined)
    return { kind: major === '2' && place.api === 1 ? 'influxdb-1' : `influxdb-${major as '1'}`, version }
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

function wrongApi({ label }: Place, version: string | undefined): Failure {
  return new Failure(`${label}: this is InfluxDB ${version}, which knows no org and no bucket`, {
    code: 'sink-version',
    retry: 'never',
    reach: 'sink',
    advice: 'Set version: 1 and database: (the name of the database) in place of org and bucket.',
  })
}
