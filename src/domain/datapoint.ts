/** The full name of one datapoint of a gateway, as its log entries carry it. */
export interface DatapointName {
  readonly device: string
  /** The gateway's own id of the device ("5", "Ab93fcpn.2"): stable where a name is not. */
  readonly deviceId: string
  readonly block: string
  readonly index: number
  /** Instance name: what people see and may change. Equal to `xif` where the gateway has none. */
  readonly name: string
  /** XIF (programmatic) name: fixed by the device type. */
  readonly xif: string
}

/** By name, or by id with the name it shall have in the database. */
type DeviceRef = { readonly name: string } | { readonly id: string; readonly as: string }

/** By instance name, or by XIF name. */
export type PointRef = { readonly name: string } | { readonly xif: string }

/** Which datapoints to fetch; a part left out means any. Coverage is kept for each selector. */
export interface Selector {
  readonly device?: DeviceRef
  readonly block?: string
  readonly index?: number
  readonly point?: PointRef
}

export function selectorMatches(selector: Selector, named: DatapointName): boolean {
  const { device, block, index, point } = selector
  if (device !== undefined && ('id' in device ? device.id !== named.deviceId : device.name !== named.device))
    return false
  if (block !== undefined && block !== named.block) return false
  if (index !== undefined && index !== named.index) return false
  return point === undefined || ('xif' in point ? point.xif === named.xif : point.name === named.name)
}

/** True if everything that `inner` can match is matched by `outer` too: its coverage then counts for `inner`. */
export function selectorContains(outer: Selector, inner: Selector): boolean {
  return (
    (outer.device === undefined || devicePart(outer) === devicePart(inner)) &&
    (outer.block === undefined || outer.block === inner.block) &&
    (outer.index === undefined || outer.index === inner.index) &&
    (outer.point === undefined || pointPart(outer) === pointPart(inner))
  )
}

/** 0 (anything) … 4 (exactly one datapoint): of several rules that match an entry, the closest one wins. */
export function selectorPrecision(selector: Selector): number {
  return [selector.device, selector.block, selector.index, selector.point].filter(part => part !== undefined).length
}

/** True: it can match more than one datapoint, and so contain other selectors than itself. */
export function isWide(selector: Selector): boolean {
  return selectorPrecision(selector) < 4
}

/** The ledger's key: no two different selectors share one. */
export function selectorKey(selector: Selector): string {
  return [devicePart(selector), escapePart(selector.block), selector.index ?? '*', pointPart(selector)].join('/')
}

/** What people read: `Sensor 1/LightSensor/0/nvoLuxLevel`. */
export function selectorLabel(selector: Selector): string {
  const { device, block = '*', index = '*', point } = selector
  const deviceText = device === undefined ? '*' : 'id' in device ? device.as : device.name
  const pointText = point === undefined ? '*' : 'xif' in point ? point.xif : point.name
  return `${deviceText}/${block}/${index}/${pointText}`
}

function devicePart({ device }: Selector): string {
  if (device === undefined) return '*'
  return 'id' in device ? `#${escapePart(device.id)}` : escapePart(device.name)
}

function pointPart({ point }: Selector): string {
  if (point === undefined) return '*'
  return 'xif' in point ? `#${escapePart(point.xif)}` : escapePart(point.name)
}

/** A name that itself holds a slash, a star or a leading # stays apart from the signs of the key. */
function escapePart(name: string | undefined): string {
  return name === undefined ? '*' : name.replace(/[%/*#]/g, c => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
}
