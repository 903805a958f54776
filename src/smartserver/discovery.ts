import { readList } from './paging.ts'
import { type Asked, idOf, memberOf, textOf } from './rest-json.ts'

export interface Device {
  readonly id: string
  readonly name: string
  /** Its number in the segment; entries of some releases name the device by `segment.DID` (protocol §3.1). */
  readonly did: string | undefined
  /** The unique number of its hardware. */
  readonly uid?: string | undefined
  readonly type: string | undefined
  readonly state: string | undefined
  readonly health: string | undefined
}

/** One of up to three levels of a datapoint's log (protocol §4). */
export interface LogLevel {
  /** Seconds between entries; 0: every update. */
  readonly interval: number
  /** Days that entries are kept; undefined: not known. */
  readonly retention: number | undefined
}

/** A datapoint that the gateway logs. */
export interface LoggedDatapoint extends InterfaceDatapoint {
  readonly device: Device
  readonly levels: readonly LogLevel[]
}

/** A datapoint of a device, logged or not. */
export interface InterfaceDatapoint {
  readonly block: string
  readonly index: number
  /** XIF name. */
  readonly xif: string
  /** Instance name; the XIF name where there is none. */
  readonly name: string
  /** `segment/protocol/DID/block/index/xif`, for subscriptions; some releases do not report it. */
  readonly qualifier: string | undefined
  readonly unit: string | undefined
}

/** What the log configuration of a device type says of one datapoint. */
export interface LogRule {
  readonly type: string
  readonly path: string
  readonly levels: readonly LogLevel[]
  /** A value that changed little, or soon after the last one, is not logged (protocol §4): undefined: not known. */
  readonly skips?: boolean | undefined
}

/** All devices but the gateway itself, as `/iap/devs` lists them. Throws a Failure of reach `gateway`. */
export async function readDevices(gateway: Asked, signal: AbortSignal): Promise<Device[]> {
  const items = await readList(gateway, '/iap/devs?short=true&sortBy=name', signal)
  return unique(items.flatMap(deviceOf), device => device.id)
}

/** The datapoints of a device, logged or not. */
export async function readInterface(
  gateway: Asked,
  device: Device,
  signal: AbortSignal,
): Promise<InterfaceDatapoint[]> {
  const items = await readList(gateway, `/iap/devs/${encodeURIComponent(device.id)}/if/*/*/*/*`, signal)
  const found = items.flatMap(interfaceOf)
  return unique(found, ({ block, index, xif }) => JSON.stringify([block, index, xif]))
}

/** Which datapoints the gateway is configured to log, by device type. Throws a Failure of reach `gateway`. */
export async function readLogRules(gateway: Asked, signal: AbortSignal): Promise<LogRule[]> {
  const items = await readList(gateway, '/iap/devTypes/*/if/*/*/*/dla?includeUnconfigured=false', signal)
  return unique(items.flatMap(logRuleOf), ({ type, path }) => JSON.stringify([type, path]))
}

/** What is logged of a device: the rules of its type, with the device's own names of datapoints (protocol §5). */
export function loggedOf(
  device: Device,
  rules: readonly LogRule[],
  known: readonly InterfaceDatapoint[],
): LoggedDatapoint[] {
  return rules.flatMap(({ type, path, levels }) => {
    const datapoint = type === device.type ? datapointAt(path, known) : undefined
    return datapoint === undefined ? [] : [{ ...datapoint, device, levels }]
  })
}

/** What the gateway logs of these devices, in their order; one call for each device that has anything logged. */
export async function* discoverLogged(
  gateway: Asked,
  devices: readonly Device[],
  signal: AbortSignal,
): AsyncGenerator<LoggedDatapoint> {
  const rules = Map.groupBy(await readLogRules(gateway, signal), rule => rule.type)
  for (const device of devices) {
    const ofType = rules.get(device.type ?? '')
    if (ofType !== undefined) yield* loggedOf(device, ofType, await readInterface(gateway, device, signal))
  }
}

function deviceOf(item: unknown): Device[] {
  const id = idOf(memberOf(item, 'id'))
  const name = textOf(memberOf(item, 'name'))
  // the segment controller is the gateway itself
  if (id === undefined || name === undefined || memberOf(item, 'category') === 'SC') return []
  const status = memberOf(item, 'status')
  const type = textOf(memberOf(item, 'deviceTypeName'))
  const did = idOf(memberOf(item, 'DID'))
  const uid = idOf(memberOf(item, 'uid'))
  const [state, health] = [textOf(memberOf(status, 'state')), textOf(memberOf(status, 'health'))]
  return [{ id, name, did, uid, type, state, health }]
}

function interfaceOf(item: unknown): InterfaceDatapoint[] {
  const block = textOf(memberOf(item, 'blockName'))
  const index = wholeOf(memberOf(item, 'blockIndex'))
  const xif = textOf(memberOf(item, 'datapointName'))
  if (block === undefined || index === undefined || xif === undefined) return []
  const name = textOf(memberOf(item, 'name')) ?? xif
  const unit = textOf(memberOf(memberOf(item, 'lon.cfg'), 'unit'))
  return [{ block, index, xif, name, qualifier: textOf(memberOf(item, 'dpQualifier')), unit }]
}

function logRuleOf(item: unknown): LogRule[] {
  const type = textOf(memberOf(item, 'deviceTypeName'))
  const path = textOf(memberOf(item, 'fullDpName'))
  const logged = memberOf(item, 'logged')
  // a file of the same content says Yes (protocol §4)
  if (type === undefined || path === undefined || !(logged === true || logged === 'true' || logged === 'Yes')) return []
  const levels = [1, 2, 3].flatMap((level): LogLevel[] => {
    const interval = wholeOf(memberOf(item, `logInterval${level}`))
    return interval === undefined ? [] : [{ interval, retention: wholeOf(memberOf(item, `logRetention${level}`)) }]
  })
  const leastChange = memberOf(item, 'logMinDeltaValue') ?? 'ALWAYS'
  const leastTime = wholeOf(memberOf(item, 'logMinDeltaTime')) ?? 0
  const skips = leastChange !== 'ALWAYS' || leastTime > (levels[0]?.interval ?? 0)
  return [skips ? { type, path, levels, skips } : { type, path, levels }]
}

/**
 * `block/index/xif`, where names may hold slashes (not documented, protocol §5): the split that the device itself knows,
 * else the rightmost one. A datapoint that the device does not list has its XIF name alone.
 */
function datapointAt(path: string, known: readonly InterfaceDatapoint[]): InterfaceDatapoint | undefined {
  const listed = known.find(({ block, index, xif }) => `${block}/${index}/${xif}` === path)
  if (listed !== undefined) return listed
  const split = /^(.+)\/(\d{1,9})\/(.+)$/s.exec(path)
  if (split === null) return undefined
  const [, block = '', index, xif = ''] = split
  return { block, index: Number(index), xif, name: xif, qualifier: undefined, unit: undefined }
}

/** A number, or its digits: both are seen (protocol §3.1). */
function wholeOf(value: unknown): number | undefined {
  const number = typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value
  return typeof number === 'number' && Number.isInteger(number) && number >= 0 ? number : undefined
}

/** Plain pages of a list that grows meanwhile may repeat items. */
function unique<Item>(items: readonly Item[], keyOf: (item: Item) => string): Item[] {
  return [...new Map(items.map(item => [keyOf(item), item])).values()]
}
