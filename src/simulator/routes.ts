import { type DeviceRoutes, sort } from './device-routes.ts'
import type { Directory } from './directory.ts'
import { controllerName, type GeneralSockets } from './general-sockets.ts'
import type { LoadMeter } from './load.ts'
import type { Pager } from './paging.ts'
import type { Recorder } from './recorder.ts'
import type { Release } from './releases.ts'
import { problem, type RestAnswer, type RestCall } from './rest.ts'

interface RouteParts {
  readonly release: Release
  readonly directory: Directory
  readonly devices: DeviceRoutes
  readonly general: GeneralSockets
  readonly recorder: Recorder
  readonly load: LoadMeter
  readonly pager: Pager
  readonly now: () => number
  readonly showTime: (ms: number) => string
  /** Size of the data log, MB. */
  readonly dataLogSize: () => number
}

/** Answers every REST path behind the login but the session's own (protocol §9.3). undefined = no such path. */
export function createRoutes(parts: RouteParts): (call: RestCall) => RestAnswer | Promise<RestAnswer> | undefined {
  const { release, general, pager } = parts
  return call => {
    const segments = decodePath(call.path)
    if (segments === undefined) return problem(400, `Bad path: ${call.path}`)
    const [, , area, ...rest] = segments
    const path = rest.join('/')
    const key = `${call.method} ${area}/${path}`
    if (area === 'devs') return parts.devices(call, rest)
    if (area === 'devTypes' && call.method === 'GET' && path === '*/if/*/*/*/dla') {
      const rows = parts.directory.logSettings(call.query.get('includeUnconfigured') !== 'false')
      return { status: 200, body: pager(rows, call.query) }
    }
    if (area === 'devTypes' && call.method === 'GET' && path === '*')
      return { status: 200, body: sort(parts.directory.types, call.query) }
    switch (key) {
      case 'GET storage/':
        return { status: 200, body: describeStorage(release, parts.load.cpu(), parts.dataLogSize()) }
      case 'PUT storage/publishes/true':
      case 'PUT storage/publishes/false':
        general.publishCpu(path.endsWith('true'))
        return { status: 204 }
      case 'PUT dp/updates/subscribe':
        if (!isQualifierList(call.body)) return problem(400, 'An array of qualifiers is expected')
        general.subscribe(call.session.username, call.body)
        return { status: 204 }
      case 'GET cms/info/time':
        return release.tellsTime ? { status: 200, body: { value: parts.showTime(parts.now()) } } : undefined
      case 'GET settings/limits/configuration':
        return { status: 200, body: { totalEpsLowWarning: 60, totalEpsHighWarning: 80 } }
      case 'GET alarms/count':
        return { status: 200, body: { value: 0 } }
      // The vendor's pages ask for these when they start; what a list of them would hold is not known.
      case 'GET alarms/':
      case 'GET lic/status':
      case 'GET dp/types':
      case 'GET context/':
        return { status: 200, body: [] }
      case 'GET dlaRules/monitoring':
        return { status: 200, body: { value: parts.recorder.monitoring } }
      case 'GET log/state':
        return { status: 200, body: describeLogState(parts.recorder, call.query.get('tags')) }
      case 'PUT log/state':
        return setLogState(parts.recorder, call)
      default:
        return undefined
    }
  }
}

/** A bare word, or a list by tag (protocol §4). */
function describeLogState(recorder: Recorder, tags: string | null): unknown {
  if (tags === null) return recorder.state(undefined) === 'enabled' ? 'Enabled' : 'Disabled'
  return tags.split(',').map(name => ({ name, value: '1', log_state: recorder.state(name) }))
}

function setLogState(recorder: Recorder, { query, body }: RestCall): RestAnswer {
  if (body !== 'enabled' && body !== 'disabled') return problem(400, 'enabled or disabled is expected')
  for (const tag of query.get('tags')?.split(',') ?? [undefined]) recorder.setState(body, tag)
  return { status: 204 }
}

/** Segments of a path, percent-decoded one by one: an escaped slash stays inside its segment. */
function decodePath(path: string): readonly string[] | undefined {
  try {
    return path.split('/').map(decodeURIComponent)
  } catch {
    return undefined
  }
}

function isQualifierList(body: unknown): body is readonly string[] {
  return Array.isArray(body) && body.every(item => typeof item === 'string')
}

/** `/iap/storage`: MB and no names up to 4.0, bytes by SmartServer name from 4.1 (protocol §4.1). */
function describeStorage(release: Release, cpu: number, dataLogSize: number): object {
  const sizes = { dataLogSize, eventLogSize: 3 }
  const megabyte = 1_048_576
  const space = (total: number, used: number, one: number) => ({
    total: total * one,
    used: used * one,
    avail: (total - used) * one,
  })
  if (!release.tellsTime) {
    return { ...sizes, storageInfo: { internal: space(3600, 1400, 1), external: space(29_000, 5200, 1) } }
  }
  const info = {
    internal: space(3600, 1400, megabyte),
    external: space(29_000, 5200, megabyte),
    memory: space(2048, 1200, megabyte),
  }
  return { ...sizes, storageInfo: { [controllerName]: info }, cpuUtilization: { [controllerName]: cpu } }
}
