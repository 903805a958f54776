import { type DatapointName, selectorMatches } from '../domain/datapoint.ts'
import type { LogEntry } from '../domain/entry.ts'
import { rangeHolds } from '../domain/range.ts'
import type { DataLogRequest } from '../domain/request.ts'

/** Positions in `request.selectors` of those that an entry matches; empty: not asked for. */
export type AskedFor = (entry: LogEntry) => readonly number[]

const none: readonly number[] = []

/**
 * The gateway's filters are not relied upon: some releases ignore them (protocol §2.1). Which selectors match is worked
 * out once a datapoint (the decoder gives its names as one object), so that the cost of an entry does not follow the
 * number of selectors.
 */
export function createAskedFor({ selectors, range }: DataLogRequest): AskedFor {
  const known = new WeakMap<DatapointName, readonly number[]>()
  return ({ at, datapoint }) => {
    if (!rangeHolds(range, at)) return none
    let matching = known.get(datapoint)
    if (matching === undefined) {
      matching = selectors.flatMap((selector, i) => (selectorMatches(selector, datapoint) ? [i] : []))
      known.set(datapoint, matching)
    }
    return matching
  }
}
