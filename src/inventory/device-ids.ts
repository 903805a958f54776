import type { Device } from '../smartserver/discovery.ts'
import type { DeviceIdOf } from '../smartserver/log-query.ts'

/** The gateway's own id of the device that an entry names so; undefined: not known. */
export type DeviceIds = (shown: string) => string | undefined

/** Entries name their device by its id, those of some releases by `segment.DID` (protocol §3.1): the device list knows both. */
export function createDeviceIds(devices: readonly Device[]): DeviceIds {
  const ids = new Set(devices.map(({ id }) => id))
  const byDid = Map.groupBy(
    devices.filter(({ did }) => did !== undefined),
    ({ did }) => lastPart(did!),
  )
  return shown => {
    if (ids.has(shown)) return shown
    const named = byDid.get(lastPart(shown)) ?? []
    return named.length === 1 && shown.includes('.') ? named[0]!.id : undefined
  }
}

/** Undefined for a name that several devices have. */
export function createDeviceIdOf(devices: readonly Device[]): DeviceIdOf {
  const byName = Map.groupBy(devices, ({ name }) => name)
  return name => {
    const [device, ...others] = byName.get(name) ?? []
    return others.length === 0 ? device?.id : undefined
  }
}

function lastPart(text: string): string {
  return text.slice(text.lastIndexOf('.') + 1)
}
