import type { PointRef, Selector } from '../domain/datapoint.ts'
import { Failure } from '../domain/failure.ts'
import type { TimeRange } from '../domain/range.ts'
import type { DataLogRequest } from '../domain/request.ts'

/**
 * Path and query of a data-log request: always a filter for both ends of `utc` (law 7), and the narrowest selector that
 * holds all that is asked for. The explicit `*+name==` form is sent because a bare name changed its meaning at release
 * 3.20.114 (protocol §2.1). Throws a Failure for a range that is empty or not in whole milliseconds.
 */
export function dataLogPath(request: DataLogRequest): string {
  const { device, block, index, point } = commonSelector(request.selectors)
  const parameters: [string, string][] = []
  if (device !== undefined) parameters.push(['dev', 'id' in device ? device.id : `*+name==${device.name}`])
  if (block !== undefined) parameters.push(['blockName', `*+name==${block}`])
  if (index !== undefined) parameters.push(['blockIndex', String(index)])
  if (point !== undefined)
    parameters.push(['dpName', 'xif' in point ? `*+xifName==${point.xif}` : `*+name==${point.name}`])
  parameters.push(['value', utcFilter(request.range)])
  return `/iap/ws?${parameters.map(([key, value]) => `${key}=${percentEncode(value)}`).join('&')}`
}

function utcFilter({ after, until }: TimeRange): string {
  if (!(Number.isInteger(after) && Number.isInteger(until) && after < until))
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
  return encodeURIComponent(value.toWellFormed()).replace(
    /[!'()*]/g,
    sign => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  )
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
