import { parseLogQuery } from './query.ts'
import type { Release } from './releases.ts'
import type { Datapoint } from './site.ts'

/**
 * Whether a request gets what a recorded one brought that names no datapoint: the two must have a datapoint in common, or
 * filter by the same words. A recorded query that cannot be read is taken for one of everything.
 */
export function createOverlap(
  query: string,
  release: Release,
  datapoints: readonly Datapoint[],
): (recorded: string) => boolean {
  const own = parseLogQuery(query, release, lenient)
  const known = new Map<string, boolean>()
  const overlaps = (recorded: string) => {
    const other = parseLogQuery(recorded, release, lenient)
    if ('fault' in own || 'fault' in other || filtersOf(query) === filtersOf(recorded)) return true
    return datapoints.some(datapoint => own.matches(datapoint) && other.matches(datapoint))
  }
  return recorded => {
    const before = known.get(recorded)
    if (before !== undefined) return before
    const found = overlaps(recorded)
    known.set(recorded, found)
    return found
  }
}

const lenient = { nameFallback: true, rawQueries: false }

function filtersOf(query: string): string {
  return query
    .split('&')
    .filter(part => !/^(value|dp)=/.test(part))
    .sort()
    .join('&')
}
