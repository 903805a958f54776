import { type DlaPoint, describeDla } from './dla.ts'
import type { History } from './history.ts'
import type { Release } from './releases.ts'
import type { Retention } from './retention.ts'
import { type Datapoint, type Device, describe, segment } from './site.ts'

/** Devices, datapoints and log settings as REST shows them (protocol §5), and what can change about them. */
export interface Directory {
  /** `/iap/devs`: the gateway itself (category SC) and its devices. */
  readonly devices: readonly DeviceRecord[]
  /** All datapoints, those that are never logged too. */
  readonly datapoints: readonly Datapoint[]
  /** Rows of `/iap/devTypes/*\/if/*\/*\/*\/dla`. */
  logSettings(includeUnconfigured: boolean): readonly object[]
  /** Whether a datapoint is logged. */
  isLogged(datapoint: Datapoint): boolean
  /** `/iap/devTypes/*`. */
  readonly types: readonly object[]
  /** Gives a device, or its datapoints with this XIF name, another name. */
  rename(change: { readonly device: string; readonly xif?: string | undefined; readonly to: string }): void
  /** Adds to the id of every device. */
  renumber(by: number): void
  /** Leaves a share of the devices, the last ones, out of the list. */
  hide(share: number): void
}

interface DeviceRecord {
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
  const describeDevice = (device: Device): DeviceRecord => ({
    ...common,
    id: String(device.id),
    name: device.name,
    category: 'EDGE',
    uid: `0501${device.did.padStart(8, '0')}`,
    typeId: typeIds.get(device.type),
    deviceTypeName: device.type,
    DID: device.did,
    status: { ...status, wasProvisioned: true },
  })
  const first = history.datapoints.length
  const list = () => {
    const shown = history.devices.slice(0, Math.round(history.devices.length * (1 - hidden)))
    return {
      devices: [gateway, ...shown.map(describeDevice)],
      datapoints: history.devices.flatMap((device, i) => [
        ...device.datapoints,
        describe(device, { ...unlogged, ordinal: first + i }),
      ]),
    }
  }
  let hidden = 0
  let listed = list()
  const changeDevices = (
    change: (device: Changeable<Device>, datapoints: readonly Changeable<Datapoint>[]) => void,
  ) => {
    for (const device of history.devices) change(device, device.datapoints)
    listed = list()
  }

  return {
    get devices() {
      return listed.devices
    },
    get datapoints() {
      return listed.datapoints
    },
    types: [...types].map(([name]) => ({
      id: typeIds.get(name),
      name,
      protocol: 'lon',
      numberOfDevices: history.devices.filter(({ type }) => type === name).length,
      programId: `9FFFFF${typeIds.get(name)?.padStart(10, '0')}`,
      xifName: name.replaceAll(' ', ''),
      autoSysLoad: false,
      autoAppLoad: false,
      isDefault: false,
    })),
    logSettings(includeUnconfigured) {
      let id = 900
      const row = (type: string, path: Omit<typeof unlogged, 'name'>, use: DlaPoint['use']) =>
        describeDla({ ...path, id: id++, type, use, days: retention.days(type) }, release)
      return [...types].flatMap(([type, device]) => [
        ...device.datapoints.map(datapoint => row(type, datapoint, 'logged')),
        row(type, unlogged, 'monitored'),
        ...(includeUnconfigured ? [row(type, { ...unlogged, xif: 'nciLocation' }, 'unused')] : []),
      ])
    },
    isLogged: datapoint => datapoint.ordinal < first,
    rename({ device: name, xif, to }) {
      changeDevices((device, datapoints) => {
        if (device.name !== name) return
        if (xif === undefined) device.name = to
        for (const datapoint of datapoints) {
          if (xif === undefined) datapoint.device = to
          else if (datapoint.xif === xif) datapoint.name = to
        }
      })
    },
    renumber(by) {
      changeDevices((device, datapoints) => {
        device.id += by
        for (const datapoint of datapoints) datapoint.deviceId = device.id
      })
    },
    hide(share) {
      hidden = share
      listed = list()
    },
  }
}

/** Names and ids are read-only to all others: a change here is seen by every entry, those of before too. */
type Changeable<T> = { -readonly [Key in keyof T]: T[Key] }
