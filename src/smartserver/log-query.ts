import type { PointRef, Selector } from '../domain/datapoint.ts'
import type { Failure } from '../domain/failure.ts'
import type { TimeRange } from '../domain/range.ts'
import type { DataLogRequest } from '../domain/request.ts'
import { gatewayFailure } from './failures.ts'
import type { NameForm } from './known-names.ts'
import { xifForm } from './release.ts'

/** What is known of a gateway that its queries depend on. */
interface QueryKnowledge {
  readonly release?: string | undefined
  /** Of the datapoint's name, where one is asked for by its name; left out: it is an instance name. */
  readonly form?: NameForm
  /** The id of the only device with this name, where it is known. */
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

/** A name, and what is meant by it. `bare` is what the release makes of it (protocol §2.1). */
export type NameFilter = { readonly name: string } | { readonly xifName: string } | { readonly bare: string }

/** A query of the data log (protocol §2.1). Without `utc` it would never end; what else is left out filters nothing. */
export interface LogQuery {
  readonly dev?: { readonly id: string } | { readonly name: string }
  readonly blockName?: NameFilter
  readonly blockIndex?: number
  readonly dpName?: NameFilter
  readonly utc: TimeRange
}

/** Throws a Failure for what no query can say. */
export function logQueryPath({ dev, blockName, blockIndex, dpName, utc }: LogQuery): string {
  const parameters: [string, string][] = []
  if (dev !== undefined) parameters.push(['dev', 'id' in dev ? bareName(dev.id) : `*+name==${sendable(dev.name)}`])
  if (blockName !== undefined) parameters.push(['blockName', nameFilter(blockName)])
  if (blockIndex !== undefined) parameters.push(['blockIndex', indexText(blockIndex)])
  if (dpName !== undefined) parameters.push(['dpName', nameFilter(dpName)])
  parameters.push(['value', `*+utc>${utcText(utc.after)}&utc<=${utcText(utc.until)}`])
  return `/iap/ws?${parameters.map(([key, value]) => `${key}=${percentEncode(value)}`).join('&')}`
}

/**
 * A lone surrogate has no UTF-8, a control sign no known treatment, and an `&` joins conditions inside a value (as in the
 * `utc` filter): a gateway that takes a name apart there would answer nothing, then "end". Slash, `+`, `=`, quotes and
 * non-ASCII are percent-encoded; they too are never exemplified (protocol §10.14), but nothing speaks against them.
 */
export function canBeSent(name: string): boolean {
  return name !== '' && name.isWellFormed() && !/[\p{Cc}&]/u.test(name)
}

/** Without a sign before it: what begins like a filter would be taken for one. */
function canBeSentBare(name: string): boolean {
  return canBeSent(name) && !name.startsWith('*')
}

function nameFilter(filter: NameFilter): string {
  if ('name' in filter) return `*+name==${sendable(filter.name)}`
  return 'xifName' in filter ? `*+xifName==${sendable(filter.xifName)}` : bareName(filter.bare)
}

function indexText(index: number): string {
  if (!Number.isInteger(index) || index < 0) throw badQuery(`no data-log query can name the block index ${index}`)
  return String(index)
}

function sendable(name: string): string {
  if (!canBeSent(name)) throw badQuery(`no data-log query can name ${JSON.stringify(name)}`)
  return name
}

function bareName(name: string): string {
  if (!canBeSentBare(name)) throw badQuery(`no data-log query can name ${JSON.stringify(name)} as it is`)
  return name
}

/** The years 0 … 9999: others are written with a sign, which the gateway is not known to read. */
const earliest = Date.parse('0000-01-01T00:00:00.000Z')
const latest = Date.parse('9999-12-31T23:59:59.999Z')

/** No `Z` and no offset (protocol §2.2). */
function utcText(ms: number): string {
  if (!Number.isInteger(ms) || ms < earliest || ms > latest)
    throw badQuery(`no data-log query can name the time ${ms}`, 'bad-range')
  return new Date(ms).toISOString().slice(0, -1)
}

/** Everything but the unreserved signs: each escape of that set is evidenced one by one (protocol §2.3). */
export function percentEncode(value: string): string {
  return encodeURIComponent(value).replace(/[!'()*]/g, sign => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
}

function badQuery(message: string, code: 'bad-query' | 'bad-range' = 'bad-query'): Failure {
  return gatewayFailure(code, message)
}
