import { type Datapoint, type Device, describe } from './site.ts'

/** The path of a datapoint as a recording names it. */
export interface RecordedPath {
  readonly device: string
  readonly deviceId?: number
  readonly did?: string
  readonly type?: string
  readonly block: string
  readonly index: number
  readonly xif: string
  readonly name: string | null
  readonly dpQualifier?: string | null
}

/** Collects the devices and datapoints that turn up in a recording. */
export interface Roster {
  /** The datapoint of a path; the same path gives the same record. */
  find(path: RecordedPath): Datapoint
  devices(): readonly Device[]
}

export function createRoster(): Roster {
  const devices = new Map<string, { id: number; did: string; type: string; datapoints: Map<string, Datapoint> }>()
  const ids = new Set<number>()
  let ordinal = 0
  return {
    find(path) {
      let device = devices.get(path.device)
      if (device === undefined) {
        let id = path.deviceId ?? devices.size + 2
        while (ids.has(id)) id += 1
        ids.add(id)
        device = { id, did: path.did ?? String(id), type: path.type ?? `Type of ${path.device}`, datapoints: new Map() }
        devices.set(path.device, device)
      }
      const key = JSON.stringify([path.block, path.index, path.xif])
      let datapoint = device.datapoints.get(key)
      if (datapoint === undefined) {
        const described = describe({ ...device, name: path.device }, { ...path, ordinal: ordinal++, logInterval: 0 })
        datapoint = path.dpQualifier === undefined ? described : { ...described, dpQualifier: path.dpQualifier }
        device.datapoints.set(key, datapoint)
      }
      return datapoint
    },
    devices: () =>
      [...devices].map(([name, { id, did, type, datapoints }]) => ({
        id,
        name,
        did,
        type,
        datapoints: [...datapoints.values()],
      })),
  }
}
