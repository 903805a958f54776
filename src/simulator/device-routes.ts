import type { Directory } from './directory.ts'
import type { GeneralSockets } from './general-sockets.ts'
import type { Entry } from './history.ts'
import type { LogRoutes } from './log-routes.ts'
import type { Pager } from './paging.ts'
import type { Release } from './releases.ts'
import { problem, type RestAnswer, type RestCall } from './rest.ts'
import { parseSelector, type Selector, type Subject } from './selectors.ts'
import type { Datapoint } from './site.ts'
import type { Store } from './store.ts'

interface DeviceParts {
  readonly release: Release
  readonly directory: Directory
  readonly store: Store
  readonly pager: Pager
  readonly logs: LogRoutes
  readonly general: GeneralSockets
  readonly showTime: (ms: number) => string
  readonly nameFallback: boolean
}

/** Answers `/iap/devs…`; `segments` are the decoded path segments behind it. undefined = no such path (protocol §5). */
export type DeviceRoutes = (call: RestCall, segments: readonly string[]) => RestAnswer | Promise<RestAnswer> | undefined

export function createDeviceRoutes(parts: DeviceParts): DeviceRoutes {
  const { directory, pager, store } = parts

  function listDevices(query: URLSearchParams, selector: Selector): readonly object[] {
    const chosen = directory.devices.filter(
      device =>
        selector({ id: device.id, name: device.name, typeName: device.deviceTypeName, category: device.category }) &&
        device.category === (query.get('category') ?? device.category),
    )
    const sorted = sort(chosen, query)
    if (query.get('short') !== 'true') return sorted
    return sorted.map(({ latitude, longitude, createdOnGlp, mru, ...short }) => short)
  }

  /** What a datapoint shows now: its newest stored value. */
  function current(datapoint: Datapoint): Entry | undefined {
    if (!directory.isLogged(datapoint)) return undefined
    // A value older than this is as good as none, and the search for it would cost more than it is worth.
    return store.newest(datapoint, 14 * 86_400_000)
  }

  function describeDatapoint(datapoint: Datapoint): object {
    const entry = current(datapoint)
    const value = entry?.value ?? null
    const output = !datapoint.xif.startsWith('nvi')
    const { release } = parts
    return {
      id: datapoint.id,
      deviceId: datapoint.deviceId,
      deviceName: datapoint.device,
      blockName: datapoint.block,
      blockIndex: datapoint.index,
      datapointName: datapoint.xif,
      name: datapoint.name,
      dpQualifier: datapoint.dpQualifier,
      type: `SNVT_${datapoint.xif.slice(3).toLowerCase()}`,
      cat: output ? 'out' : 'in',
      property: false,
      monitor: {
        cat: 'data',
        rate: datapoint.logInterval || 60,
        report: 'any',
        throttle: 0,
        inFeedback: false,
        event: false,
      },
      value,
      locValue: value,
      presetValue: null,
      values: { level: 17, levels: {} },
      local: entry === undefined ? null : parts.showTime(entry.ms),
      utc: entry === undefined ? null : `${entry.utcText}Z[UTC]`,
      ...(release.deviceState ? { deviceState: 'provisioned' } : {}),
      deviceHealth: 'normal',
      interfaceType: 'Static',
      presets: null,
      localization: null,
      desc: '',
    }
  }

  return (call, segments) => {
    const { query, method } = call
    if (method !== 'GET') return undefined
    if (segments.length === 0)
      return {
        status: 200,
        body: pager(
          listDevices(query, () => true),
          query,
        ),
      }
    if (segments.length === 1 && segments[0] === 'count')
      return { status: 200, body: { value: directory.devices.length } }
    if (segments.length === 1 && segments[0] === 'lonmode') return { status: 200, body: { value: 'IMM' } }
    const selector = parseSelector(segments[0]!, 'id')
    if (selector === undefined) return problem(400, `Bad selector: ${segments[0]}`)
    const devices = listDevices(query, selector)
    if (devices.length === 0 && !segments[0]!.startsWith('*')) return problem(404, `No such device: ${segments[0]}`)
    if (segments.length === 1) {
      return { status: 200, body: segments[0]!.startsWith('*') ? pager(devices, query) : devices[0] }
    }
    const [, marker, block = '*', index = '*', point = '*', ...rest] = segments
    if (marker !== 'if') return undefined
    const filter = createPathFilter(parts, selector, [block, index, point])
    if (filter === undefined) return problem(400, `Bad selector: ${[block, index, point].join('/')}`)
    if (rest[0] === 'logs') return parts.logs(call, filter, rest.slice(1))

    const datapoints = directory.datapoints.filter(filter)
    if (rest.length === 1 && rest[0] === 'count') return { status: 200, body: { value: datapoints.length } }
    if (rest.length > 1 || !['*', 'value', undefined].includes(rest[0])) return undefined
    if (rest[0] === 'value' && query.has('max_age')) {
      // The answer is what is cached; the fresh value comes over the general-purpose socket (§6.2).
      const asked = datapoints.filter(({ qualifier }) => parts.general.isSubscribed(call.session.username, qualifier))
      parts.general.update(
        call.session.username,
        asked.map(current).filter(entry => entry !== undefined),
      )
    }
    // Only the rows of the page are described: looking up current values costs more than the rest.
    return { status: 200, body: describePage(pager(sort(datapoints, query), query), describeDatapoint) }
  }
}

function describePage(page: unknown, describe: (datapoint: Datapoint) => object): unknown {
  if (Array.isArray(page)) return page.map(describe)
  const snapshot = page as { resources: readonly Datapoint[] }
  return { ...snapshot, resources: snapshot.resources.map(describe) }
}

/** The REST path uses the block's XIF name and the datapoint's instance name by default (protocol §5). */
function createPathFilter(
  { directory, nameFallback }: DeviceParts,
  device: Selector,
  [block, index, point]: readonly [string, string, string],
): ((datapoint: Datapoint) => boolean) | undefined {
  const blocks = parseSelector(block, 'xifName')
  const indexes = parseSelector(index, 'index')
  const points = parseSelector(point, 'name')
  if (blocks === undefined || indexes === undefined || points === undefined) return undefined
  const chosen = new Set<number>()
  for (const { id, name, deviceTypeName, category } of directory.devices) {
    if (device({ id, name, typeName: deviceTypeName, category })) chosen.add(Number(id))
  }
  return datapoint => {
    if (!chosen.has(datapoint.deviceId)) return false
    const subject: Subject = {
      name: nameFallback ? (datapoint.name ?? datapoint.xif) : datapoint.name,
      xifName: datapoint.xif,
      qualifier: datapoint.qualifier,
    }
    return (
      blocks({ name: datapoint.block, xifName: datapoint.block }) &&
      indexes({ index: String(datapoint.index) }) &&
      points(subject)
    )
  }
}

/** By the field that `sortBy` names (protocol §5). */
export function sort<T extends object>(items: readonly T[], query: URLSearchParams): readonly T[] {
  const field = query.get('sortBy')
  if (field === null) return items
  const sign = query.get('sortOrder') === 'desc' ? -1 : 1
  const key = (item: T) => String((item as Readonly<Record<string, unknown>>)[field] ?? '')
  return items.toSorted((a, b) => (key(a) < key(b) ? -sign : key(a) > key(b) ? sign : 0))
}
