import { isDrawn, nameEnding, type OdditySettings } from './oddities.ts'
import { mix } from './random.ts'
import type { SignalName } from './signals.ts'

/** What names a datapoint, as its log entries spell it (protocol §3.1). `ordinal` is its place in the site's list. */
export interface Datapoint {
  readonly ordinal: number
  readonly id: number
  readonly deviceId: number
  readonly device: string
  readonly block: string
  readonly index: number
  /** The programmatic (XIF) name: `datapointName` in an entry. */
  readonly xif: string
  /** The instance name: `name` in an entry; some builds send null (protocol §3.1). */
  readonly name: string | null
  /** `segment/protocol/DID/block/index/xif`. */
  readonly qualifier: string
  /** The qualifier as entries show it: null in some 3.1 builds. */
  readonly dpQualifier: string | null
  /** Log interval of its device type, seconds; 0 = every update is logged (protocol §4). */
  readonly logInterval: number
  /** In a recording, in place of a datapoint: the query that brought what names none. */
  readonly strayOf?: string
}

export interface Device {
  readonly id: number
  readonly name: string
  readonly did: string
  readonly type: string
  readonly datapoints: readonly Datapoint[]
}

interface Site {
  readonly devices: readonly Device[]
  readonly datapoints: readonly Datapoint[]
}

/** How one datapoint of a device kind behaves: every how many base intervals, and on the beat or whenever it changes. */
interface PointKind {
  readonly block: string
  readonly index: number
  readonly xif: string
  readonly name: string
  readonly signal: SignalName
  readonly every: number
  readonly irregular: boolean
}

interface DeviceKind {
  readonly noun: string
  readonly type: string
  readonly points: readonly PointKind[]
}

/** Id of the segment controller: the first part of every qualifier. */
export const segment = '17q4bn7'

function point(
  path: string,
  name: string,
  signal: SignalName,
  every: number,
  beat: 'regular' | 'irregular',
): PointKind {
  const [block = '', index = '', xif = ''] = path.split('/')
  return { block, index: Number(index), xif, name, signal, every, irregular: beat === 'irregular' }
}

// Brackets, spaces and instance names that differ from the XIF name are all in the protocol's examples (§2.1, §2.3).
const deviceKinds: readonly DeviceKind[] = [
  {
    noun: 'Sensor',
    type: 'Multi-Sensor',
    points: [
      point('LightSensor/0/nvoLuxLevel', 'nvoLuxLevel', 'lux', 1, 'regular'),
      point('TempSensor/0/nvoTemperature', 'nvoTemperature', 'temperature', 1, 'regular'),
      point('OccupancySensor/0/nvoOccupancy', 'Occupancy', 'occupancy', 6, 'irregular'),
    ],
  },
  {
    noun: 'Thermostat',
    type: 'Room Thermostat',
    points: [
      point('HVAC/0/nvoSpaceTemp', 'Space Temp', 'temperature', 1, 'regular'),
      point('HVAC/0/nvoUnitStatus', 'nvoUnitStatus', 'hvacMode', 4, 'irregular'),
      point('HVAC/0/nviSetpoint', 'nviSetpoint', 'setpoint', 12, 'regular'),
    ],
  },
  {
    noun: 'Meter',
    type: 'Energy Meter 3P',
    points: [
      point('EnergyMeter/0/nvoPower', 'nvoPower', 'power', 1, 'regular'),
      point('EnergyMeter/0/nvoEnergy', 'Energy Total', 'energy', 3, 'regular'),
      point('EnergyMeter/0/nvoVoltage[1]', 'nvoVoltage[1]', 'voltage', 3, 'regular'),
    ],
  },
  {
    noun: 'Pump',
    type: 'Pump Controller',
    points: [
      point('Pump/0/nvoState', 'nvoState', 'switch', 4, 'irregular'),
      point('Pump/0/nvoRunHours', 'nvoRunHours', 'hours', 12, 'regular'),
      point('Pump/1/nvoPower', 'nvoPower', 'power', 1, 'irregular'),
    ],
  },
  {
    noun: 'Lamp',
    type: 'Lamp Actuator',
    points: [
      point('Lamp Actuator/0/nvoValueFb', 'nvoValueFb', 'switch', 6, 'irregular'),
      point('Lamp Actuator/0/nvoRunHours', 'nvoRunHours', 'hours', 24, 'regular'),
    ],
  },
]

/** The kind of each datapoint of a built site, at the datapoint's ordinal. */
export interface BuiltSite extends Site {
  readonly kinds: readonly PointKind[]
}

/** A site of `count` devices, "Sensor 1", "Thermostat 2", "Meter 3", … in turn; id 1 is the gateway itself. */
export function buildSite(
  count: number,
  settings: { seed: number; intervalMs: number; oddities: OdditySettings },
): BuiltSite {
  const { seed, intervalMs, oddities } = settings
  const devices: Device[] = []
  const datapoints: Datapoint[] = []
  const kinds: PointKind[] = []
  for (let i = 0; i < count; i++) {
    const kind = deviceKinds[i % deviceKinds.length]!
    const bits = mix(seed, 21, i)
    const ending = nameEnding(oddities, bits)
    const device = { id: i + 2, name: `${kind.noun} ${i + 1}${ending}`, did: String(i + 1), type: kind.type }
    const own = kind.points.map((point, j): Datapoint => {
      kinds.push(point)
      const ordinal = datapoints.length + j
      const pointBits = mix(seed, 23, ordinal)
      const name = isDrawn(oddities.nullNames, pointBits, 24) ? null : point.name
      const logInterval = point.irregular ? 0 : (point.every * intervalMs) / 1000
      const described = describe(device, { ...point, ordinal, name, logInterval })
      return isDrawn(oddities.nullQualifiers, pointBits, 25) ? { ...described, dpQualifier: null } : described
    })
    datapoints.push(...own)
    devices.push({ ...device, datapoints: own })
  }
  return { devices, datapoints, kinds }
}

/** The datapoint record of one path on a device. Ids stay apart from device ids and row numbers, as on the gateway (§3.1 `id`). */
export function describe(
  device: { id: number; name: string; did: string },
  path: { ordinal: number; block: string; index: number; xif: string; name: string | null; logInterval: number },
): Datapoint {
  const qualifier = `${segment}/lon/${device.did}/${path.block}/${path.index}/${path.xif}`
  return {
    ordinal: path.ordinal,
    id: 300 + path.ordinal,
    deviceId: device.id,
    device: device.name,
    block: path.block,
    index: path.index,
    xif: path.xif,
    name: path.name,
    qualifier,
    dpQualifier: qualifier,
    logInterval: path.logInterval,
  }
}
