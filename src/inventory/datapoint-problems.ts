import { nearest } from '../config/nearest.ts'
import { type DatapointName, type Selector, selectorKey, selectorLabel, selectorMatches } from '../domain/datapoint.ts'
import { hiddenDifference } from '../domain/look-alike.ts'
import type { Device, InterfaceDatapoint } from '../smartserver/discovery.ts'

/** A device with its datapoints, and which of them the gateway logs. */
export interface KnownDevice {
  readonly device: Device
  readonly datapoints: readonly InterfaceDatapoint[]
  readonly logged: readonly InterfaceDatapoint[]
}

export interface DatapointProblem {
  readonly selector: Selector
  /** Its label. */
  readonly datapoint: string
  readonly code:
    | 'unknown-device'
    | 'id-moved'
    | 'device-not-unique'
    | 'unknown-datapoint'
    | 'xif-for-instance-name'
    | 'not-logged'
  /** One sentence, without the datapoint's own label. */
  readonly message: string
  /** What was probably meant. */
  readonly suggestion: string | undefined
}

/** The selectors that are asked for: a name that the gateway does not have is not. */
export function withoutUnknown(
  selectors: readonly Selector[],
  problems: readonly DatapointProblem[],
): readonly Selector[] {
  const unknown = new Set(problems.filter(isUnknown).map(({ selector }) => selectorKey(selector)))
  return selectors.filter(selector => !unknown.has(selectorKey(selector)))
}

const unknown: ReadonlySet<DatapointProblem['code']> = new Set([
  'unknown-device',
  'id-moved',
  'unknown-datapoint',
  'xif-for-instance-name',
])

/** True if the gateway has nothing of it that it could ever log under this name: an empty answer proves nothing then. */
export function isUnknown({ code }: DatapointProblem): boolean {
  return unknown.has(code)
}

/** For JSON: the selector is named by its label. */
export function problemJson({ datapoint, code, message, suggestion }: DatapointProblem) {
  return { datapoint, code, message, suggestion }
}

/** For people. */
export function problemText({ message, suggestion }: DatapointProblem): string {
  return suggestion === undefined ? message : `${message}; did you mean ${suggestion}?`
}

/** True if a configured selector can mean something on this device. */
export function concerns({ device: ref }: Selector, device: Device): boolean {
  return ref === undefined || ('id' in ref ? ref.id === device.id : ref.name === device.name)
}

/** What is wrong with one configured datapoint, seen from what the gateway has; undefined where all is well. */
export function datapointProblem(
  selector: Selector,
  devices: readonly Device[],
  known: readonly KnownDevice[],
): DatapointProblem | undefined {
  const datapoint = selectorLabel(selector)
  const problem = (code: DatapointProblem['code'], message: string, suggestion?: string) => ({
    selector,
    datapoint,
    code,
    message,
    suggestion,
  })
  const named = devices.filter(device => concerns(selector, device))
  if (selector.device !== undefined && named.length === 0) return problem(...unknownDevice(selector, devices))
  if (selector.device !== undefined && named.length > 1) {
    const ids = named.map(({ id }) => id).join(' and ')
    return problem(
      'device-not-unique',
      `devices ${ids} share this name: their points would be one series. Name them by { id: …, as: … }`,
    )
  }
  const here = known.filter(({ device }) => concerns(selector, device))
  const matching = (wanted: Selector, of: 'datapoints' | 'logged') =>
    here.flatMap(it => it[of].filter(found => selectorMatches(wanted, nameOf(it.device, found))))
  if (matching(selector, 'logged').length > 0) return undefined
  if (matching(selector, 'datapoints').length > 0)
    return problem('not-logged', 'the gateway has it but does not log it: set Logged in its Datapoint Properties')
  const swapped = withOtherName(selector)
  const meant = swapped === undefined ? undefined : matching(swapped, 'datapoints')[0]
  if (meant !== undefined)
    return selector.point !== undefined && 'xif' in selector.point
      ? problem('xif-for-instance-name', 'this is its instance name, not its XIF name', `{ xif: ${meant.xif} }`)
      : problem('xif-for-instance-name', 'this is its XIF name, not its instance name', meant.name)
  const labels = here.flatMap(({ datapoints }) =>
    datapoints.map(({ block, index, name }) => `${block}/${index}/${name}`),
  )
  const wanted = datapoint.slice(deviceLabel(selector).length + 1)
  const near = nearest(wanted, labels)
  return problem('unknown-datapoint', `the gateway has no such datapoint${differenceText(wanted, near)}`, near)
}

function unknownDevice(
  { device }: Selector,
  devices: readonly Device[],
): [DatapointProblem['code'], string, string | undefined] {
  if (device !== undefined && 'id' in device) {
    const sameName = devices.find(({ name }) => name === device.as)
    const suggestion = sameName === undefined ? undefined : `id ${sameName.id}, which is named ${sameName.name}`
    return ['unknown-device', `the gateway has no device with id ${device.id}`, suggestion]
  }
  const name = device?.name ?? ''
  const suggestion = nearest(
    name,
    devices.map(it => it.name),
  )
  return ['unknown-device', `the gateway has no device "${name}"${differenceText(name, suggestion)}`, suggestion]
}

function differenceText(name: string, meant: string | undefined): string {
  const difference = meant === undefined ? undefined : hiddenDifference(name, meant)
  return difference === undefined ? '' : ` (the gateway has ${difference.meant} where this has ${difference.has})`
}

function deviceLabel({ device }: Selector): string {
  return selectorLabel(device === undefined ? {} : { device }).replace(/\/\*\/\*\/\*$/, '')
}

function withOtherName({ point, ...rest }: Selector): Selector | undefined {
  if (point === undefined) return undefined
  return { ...rest, point: 'xif' in point ? { name: point.xif } : { xif: point.name } }
}

function nameOf({ id, name: device }: Device, { block, index, name, xif }: InterfaceDatapoint): DatapointName {
  return { device, deviceId: id, block, index, name, xif }
}
