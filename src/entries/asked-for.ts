import { selectorMatches } from '../domain/datapoint.ts'
import type { LogEntry } from '../domain/entry.ts'
import { rangeHolds } from '../domain/range.ts'
import type { DataLogRequest } from '../domain/request.ts'
import { openRoutes } from '../points/routes.ts'

/** Positions in `request.selectors` of those that an entry matches; empty: not asked for. */
export type AskedFor = (entry: LogEntry) => readonly number[]

const none: readonly number[] = []
/** Not asked for, and of a device of which nothing was: a filter by device would have kept it back. */
export const ofForeignDevice: readonly number[] = []

/**
 * The gateway's filters are not relied upon: some releases ignore them (protocol §2.1). Which selectors match is worked
 * out once a datapoint, so that the cost of an entry does not follow the number of selectors.
 */
export function createAskedFor({ selectors, range }: DataLogRequest): AskedFor {
  const devices = selectors.map(({ device }) => (device === undefined ? {} : { device }))
  const known = openRoutes(datapoint => {
    const matching = selectors.flatMap((selector, i) => (selectorMatches(selector, datapoint) ? [i] : []))
    if (matching.length > 0) return matching
    return devices.some(device => selectorMatches(device, datapoint)) ? none : ofForeignDevice
  })
  return ({ at, datapoint }) => (rangeHolds(range, at) ? known.find(datapoint) : none)
}
