import type { DatapointName } from '../domain/datapoint.ts'

export interface Routes<Route> {
  find(datapoint: DatapointName): Route
}

type Level<Next> = Map<string | number, Next>

/**
 * Remembers what `make` gave for each datapoint. Six small maps rather than one key string: a string built for each
 * entry costs more than twice as much as the whole mapping does (measured). Grows with the datapoints, not the entries.
 */
export function openRoutes<Route>(make: (datapoint: DatapointName) => Route): Routes<Route> {
  const root: Level<Level<Level<Level<Level<Level<Route>>>>>> = new Map()
  return {
    find(datapoint) {
      const { device, deviceId, block, index, name, xif } = datapoint
      const last = next(next(next(next(next(root, name), device), block), index), deviceId)
      let route = last.get(xif)
      if (route === undefined) {
        route = make(datapoint)
        last.set(xif, route)
      }
      return route
    },
  }
}

function next<Next>(level: Level<Level<Next>>, key: string | number): Level<Next> {
  let found = level.get(key)
  if (found === undefined) {
    found = new Map()
    level.set(key, found)
  }
  return found
}
