import type { DatapointName } from '../domain/datapoint.ts'

interface Routes<Route> {
  find(datapoint: DatapointName): Route
}

type Level<Next> = Map<string | number, Next>

/** More datapoints than a gateway has: so many names are made up, and the memory must not grow with them. */
export const mostDatapoints = 50_000

/**
 * Remembers what `make` gave for each datapoint, up to `mostDatapoints`; for one beyond that, `beyond` is asked each time.
 * Six small maps rather than one key string: a string built for each entry costs more than twice as much as the whole
 * mapping does (measured). Grows with the datapoints, not the entries.
 */
export function createRoutes<Route>(
  make: (datapoint: DatapointName) => Route,
  beyond: (datapoint: DatapointName) => Route = make,
): Routes<Route> {
  const root: Level<Level<Level<Level<Level<Level<Route>>>>>> = new Map()
  let size = 0
  return {
    find(datapoint) {
      const { device, deviceId, block, index, name, xif } = datapoint
      const found = root.get(name)?.get(device)?.get(block)?.get(index)?.get(deviceId)?.get(xif)
      if (found !== undefined) return found
      if (size >= mostDatapoints) return beyond(datapoint)
      const route = make(datapoint)
      next(next(next(next(next(root, name), device), block), index), deviceId).set(xif, route)
      size++
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
