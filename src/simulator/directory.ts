import type { History } from './history.ts'
import type { Release } from './releases.ts'
import type { Retention } from './retention.ts'
import { type Datapoint, type Device, describe, segment } from './site.ts'

/** Devices, datapoints and log settings as REST tells them (protocol §5). Built once: a site does not change. */
export interface Directory {
  /** `/iap/devs`: the gateway itself (category SC) and its devices. */
  readonly devices: readonly DeviceRecord[]
  /** All datapoints, those that are never logged too. */
  readonly datapoints: readonly Datapoint[]
  /** Rows of `/iap/devTypes/*\/if/*\/*\/*\/dla`. */
  logSettings(includeUnconfigured: boolean): readonly object[]
  /** Whether a datapoint is logged. */
  isLogged(datapoint: Datapoint): boolean
}

export interface DeviceRecord {
  readonly id: string
  readonly name: string
  readonly category: 'EDGE' | 'SC'
  readonly deviceTypeName: string
  readonly [field: string]: unknown
}

const unlogged = { block: 'NodeObject', index: 0, xif: 'nvoStatus', name: 'nvoStatus', logInterval: 0 }

export function createDirectory(history: History, release: Release, since: string, retention: Retention): Directory {
  const types = new Map<string, Device>()
  for (const device of history.devices) if (!types.has(device.type)) types.set(device.type, device)
  const typeIds = new Map([...types.keys()].map((type, i) => [type, String(10 + i)]))
  const status = {
    state: 'provisioned',
    health: 'normal',
    connection: 'connected',
    connectionStatusSince: since,
    action: 'none',
  }
  const common = {
    protocol: 'lon',
    scName: 'SmartServer',
    scId: segment,
    createdOnGlp: since,
    mru: since,
    latitude: 0,
    longitude: 0,
  }
  const gateway: DeviceRecord = {
    ...common,
    id: '1',
    name: 'SmartServer',
    category: 'SC',
    uid: segment,
    typeId: '1',
    deviceTypeName: 'SmartServer IoT',
    DID: segment,
    status,
  }
  const devices = history.devices.map(
    (device): DeviceRecord => ({
      ...common,
      id: String(device.id),
      name: device.name,
      category: 'EDGE',
      uid: `0501${device.id.toString(16).toUpperCase().padStart(8, '0')}`,
      typeId: typeIds.get(device.type),
      deviceTypeName: device.type,
      DID: device.did,
      status: { ...status, wasProvisioned: true },
    }),
  )
  const first = history.datapoints.length
  const datapoints = history.devices.flatMap((device, i) => [
    ...device.datapoints,
    describe(device, { ...unlogged, ordinal: first + i }),
  ])

  function row(
    type: string,
    path: Omit<typeof unlogged, 'name'>,
    id: number,
    use: 'logged' | 'monitored' | 'unused',
  ): object {
    const logged = use === 'logged'
    const days = retention.days(type)
    const method = use === 'unused' ? null : 'POLLED'
    return {
      id,
      protocol: 'lon',
      deviceTypeName: type,
      fullDpName: `${path.block}/${path.index}/${path.xif}`,
      dpType: `SNVT_${path.xif.slice(3).toLowerCase()}`,
      dpTypeRef: null,
      dpCategory: path.xif.startsWith('nvi') ? 'in' : 'out',
      visible: true,
      monitored: use !== 'unused',
      logged,
      alarmed: false,
      ...(release.monitoringMethod ? { monitoringMethod: method } : { polled: use !== 'unused' }),
      pollInterval: use === 'unused' ? null : path.logInterval || 60,
      publishInterval: null,
      logInterval1: logged ? path.logInterval : null,
      logInterval2: logged ? 3600 : null,
      logInterval3: null,
      logRetention1: logged ? days : null,
      logRetention2: logged ? Math.max(60, days) : null,
      logRetention3: logged ? Math.max(730, days) : null,
      logMultiply1: null,
      logMultiply2: null,
      logMultiply3: null,
      logMinDeltaTime: logged ? 0 : null,
      logMinDeltaValue: logged ? 'ALWAYS' : null,
      presets: null,
      localization: null,
      ...(release.dlaTags ? { tags: null } : {}),
    }
  }

  return {
    devices: [gateway, ...devices],
    datapoints,
    logSettings(includeUnconfigured) {
      let id = 900
      return [...types].flatMap(([type, device]) => [
        ...device.datapoints.map(datapoint => row(type, datapoint, id++, 'logged')),
        row(type, unlogged, id++, 'monitored'),
        ...(includeUnconfigured ? [row(type, { ...unlogged, xif: 'nciLocation' }, id++, 'unused')] : []),
      ])
    },
    isLogged: datapoint => datapoint.ordinal < first,
  }
}
