import type { PointRef, Selector } from '../domain/datapoint.ts'
import type { DataLogRequest } from '../domain/request.ts'
import { gatewayFailure } from './failures.ts'
import type { NameForm } from './known-names.ts'
import { canBeSent, canBeSentBare, type LogQuery, logQueryPath, type NameFilter } from './log-query.ts'
import { xifForm } from './release.ts'

/** What is known of a gateway that its queries depend on. */
export interface QueryKnowledge {
  readonly release?: string | undefined
  /** Of the datapoint's name, where one is asked for by its name; left out: it is an instance name. */
  readonly form?: NameForm
  /** The id of the only device with this name, where the gateway has told. */
  readonly deviceIdOf?: DeviceIdOf | undefined
}

export type DeviceIdOf = (name: string) => string | undefined

/**
 * Path and query of a data-log request: always a filter for both ends of `utc` (law 7), and the narrowest selector that
 * holds all that is asked for and that this release surely understands; what is left open is filtered on arrival.
 * Throws a Failure for a range that is empty, without an end, or not in whole milliseconds.
 */
export function dataLogPath({ selectors, range }: DataLogRequest, known: QueryKnowledge = {}): string {
  const { after, until } = range
  if (!(Number.isInteger(after) && Number.isInteger(until) && after < until))
    throw gatewayFailure('bad-range', `a range must be whole milliseconds and not empty, this is (${after}, ${until}]`)
  const { device, block, index, point } = sentSelector(selectors, known.deviceIdOf)
  const dpName = point && pointFilter(point, known)
  const query: LogQuery = {
    ...(device && { dev: 'id' in device ? { id: device.id } : device }),
    ...(block !== undefined && { blockName: { name: block } }),
    ...(index !== undefined && { blockIndex: index }),
    ...(dpName && { dpName }),
    utc: range,
  }
  return logQueryPath(query)
}

/** What is asked of the gateway for the sake of these: the narrowest selector that holds them all and can be sent. */
export function sentSelector(selectors: DataLogRequest['selectors'], deviceIdOf?: DeviceIdOf): Selector {
  return expressible(commonSelector(selectors), deviceIdOf)
}

/** `*+name==` means the instance name in every release; a bare name changed its meaning at 3.20.114 (protocol §2.1). */
function pointFilter(point: PointRef, { release, form = 'instance' }: QueryKnowledge): NameFilter | undefined {
  if ('name' in point && form === 'instance') return { name: point.name }
  if ('name' in point && form === 'unknown') return undefined
  const xif = 'xif' in point ? point.xif : point.name
  const spelling = xifForm(release)
  if (spelling === 'explicit') return { xifName: xif }
  return spelling === 'bare' && canBeSentBare(xif) ? { bare: xif } : undefined
}

/**
 * Leaves out the parts whose names cannot be sent; a device is then asked for by its id, where that is known. Block, index
 * and datapoint stand only with their device.
 */
function expressible({ device, block, index, point }: Selector, deviceIdOf: DeviceIdOf | undefined): Selector {
  const sent = device && sentDevice(device, deviceIdOf)
  if (sent === undefined) return {}
  return {
    device: sent,
    ...(block === undefined || !canBeSent(block) ? {} : { block }),
    ...(index === undefined ? {} : { index }),
    ...(point === undefined || !canBeSent('xif' in point ? point.xif : point.name) ? {} : { point }),
  }
}

function sentDevice(device: NonNullable<Selector['device']>, deviceIdOf: DeviceIdOf | undefined): Selector['device'] {
  if ('id' in device) return canBeSentBare(device.id) ? device : undefined
  if (canBeSent(device.name)) return device
  const id = deviceIdOf?.(device.name)
  return id !== undefined && canBeSentBare(id) ? { id, as: device.name } : undefined
}

/** The parts that all selectors share; what differs is left open and filtered on arrival. */
function commonSelector(selectors: DataLogRequest['selectors']): Selector {
  const [first, ...others] = selectors
  const common: { -readonly [K in keyof Selector]: Selector[K] } = {}
  if (first.device !== undefined && others.every(s => sameDevice(s, first))) common.device = first.device
  // a block or index without its device would select across devices: still right, but no vendor client does it
  if (common.device === undefined) return common
  if (first.block !== undefined && others.every(s => s.block === first.block)) common.block = first.block
  if (first.index !== undefined && others.every(s => s.index === first.index)) common.index = first.index
  if (first.point !== undefined && others.every(s => samePoint(s.point, first.point))) common.point = first.point
  return common
}

function sameDevice(a: Selector, b: Selector): boolean {
  if (a.device === undefined || b.device === undefined) return false
  return 'id' in a.device
    ? 'id' in b.device && a.device.id === b.device.id
    : 'name' in b.device && a.device.name === b.device.name
}

function samePoint(a: PointRef | undefined, b: PointRef | undefined): boolean {
  if (a === undefined || b === undefined) return false
  return 'xif' in a ? 'xif' in b && a.xif === b.xif : 'name' in b && a.name === b.name
}
