import type { PointRef, Selector } from '../domain/datapoint.ts'
import { Failure } from '../domain/failure.ts'
import type { TimeRange } from '../domain/range.ts'
import type { DataLogRequest } from '../domain/request.ts'
import type { NameForm } from './known-names.ts'
import { xifForm } from './release.ts'

/**
 * Path and query of a data-log request: always a filter for both ends of `utc` (law 7), and the narrowest selector that
 * holds all that is asked for and that this release surely understands; what is left open is filtered on arrival.
 * `form`: what is known of the datapoint's name. Throws a Failure for a range that is empty or not in whole milliseconds.
 */
export function dataLogPath(request: DataLogRequest, release?: string, form: NameForm = 'instance'): string {
  const { device, block, index, point } = sentSelector(request.selectors)
  const parameters: [string, string][] = []
  if (device !== undefined) parameters.push(['dev', 'id' in device ? device.id : `*+name==${device.name}`])
  if (block !== undefined) parameters.push(['blockName', `*+name==${block}`])
  if (index !== undefined) parameters.push(['blockIndex', String(index)])
  const pointValue = point === undefined ? undefined : pointFilter(point, release, form)
  if (pointValue !== undefined) parameters.push(['dpName', pointValue])
  parameters.push(['value', utcFilter(request.range)])
  return `/iap/ws?${parameters.map(([key, value]) => `${key}=${percentEncode(value)}`).join('&')}`
}

/** What is asked of the gateway for the sake of these: the narrowest selector that holds them all and can be sent. */
export function sentSelector(selectors: DataLogRequest['selectors']): Selector {
  return expressible(commonSelector(selectors))
}

/** `*+name==` means the instance name in every release; a bare name changed its meaning at 3.20.114 (protocol §2.1). */
function pointFilter(point: PointRef, release: string | undefined, form: NameForm): string | undefined {
  if ('name' in point && form === 'instance') return `*+name==${point.name}`
  if ('name' in point && form === 'unknown') return undefined
  const xif = 'xif' in point ? point.xif : point.name
  const spelling = xifForm(release)
  return spelling === undefined ? undefined : spelling === 'explicit' ? `*+xifName==${xif}` : xif
}

/** Leaves out the parts whose names cannot be sent; block, index and datapoint stand only with their device. */
function expressible({ device, block, index, point }: Selector): Selector {
  if (device === undefined || !canBeSent('id' in device ? device.id : device.name)) return {}
  return {
    device,
    ...(block === undefined || !canBeSent(block) ? {} : { block }),
    ...(index === undefined ? {} : { index }),
    ...(point === undefined || !canBeSent('xif' in point ? point.xif : point.name) ? {} : { point }),
  }
}

/**
 * A lone surrogate has no UTF-8, a control sign no known treatment, and an `&` joins conditions inside a value (as in the
 * `utc` filter): a gateway that takes a name apart there would answer nothing, then "end". Slash, `+`, `=`, quotes and
 * non-ASCII are percent-encoded; they too are never exemplified (protocol §10.14), but nothing speaks against them.
 */
export function canBeSent(name: string): boolean {
  return name.isWellFormed() && !/[\p{Cc}&]/u.test(name)
}

/** The years 0 … 9999: others are written with a sign, which the gateway is not known to read. */
const earliest = Date.parse('0000-01-01T00:00:00.000Z')
const latest = Date.parse('9999-12-31T23:59:59.999Z')

function utcFilter({ after, until }: TimeRange): string {
  if (!(Number.isInteger(after) && Number.isInteger(until) && earliest <= after && after < until && until <= latest))
    throw new Failure(`a range must be whole milliseconds and not empty, this is (${after}, ${until}]`, {
      code: 'bad-range',
      retry: 'never',
      reach: 'run',
    })
  return `*+utc>${utcText(after)}&utc<=${utcText(until)}`
}

/** No `Z` and no offset (protocol §2.2). */
function utcText(ms: number): string {
  return new Date(ms).toISOString().slice(0, -1)
}

/** Everything but the unreserved signs: each escape of that set is evidenced one by one (protocol §2.3). */
export function percentEncode(value: string): string {
  return encodeURIComponent(value).replace(/[!'()*]/g, sign => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
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
