import { type DatapointName, selectorKey } from '../domain/datapoint.ts'
import type { LoggedValue, Rejection, ValueType } from '../domain/entry.ts'
import { rejection } from './fields.ts'

/** Where the value type of each datapoint of one gateway is remembered from run to run. */
export interface TypePins {
  get(datapoint: string): ValueType | undefined
  /** Counts from now on; durable with the next `keep`. */
  set(datapoint: string, type: ValueType): void
  keep(): void
}

/** The value type of one datapoint, once it is known. */
export interface Pin {
  /** Undefined: this type is accepted. */
  check(type: ValueType): Rejection | undefined
}

/**
 * The first type seen, or the configured one, is the datapoint's for good: another one would go to another field, and its
 * graphs would end unnoticed.
 */
export function createPin(
  datapoint: DatapointName,
  configured: ValueType | 'any' | undefined,
  pins: TypePins | undefined,
): Pin {
  if (configured === 'any') return { check: () => undefined }
  const key = pinKey(datapoint)
  let known = configured ?? pins?.get(key)
  return {
    check(type) {
      if (type === known) return undefined
      if (known !== undefined) return rejection('type-changed', typeChanged(known, type, configured !== undefined))
      if (pins === undefined) return undefined
      known = type
      pins.set(key, type)
      return undefined
    },
  }
}

function typeChanged(known: ValueType, type: ValueType, isConfigured: boolean): string {
  if (isConfigured) return `The configuration says that the datapoint logs a ${known}; this entry holds a ${type}.`
  return (
    `The first entry of the datapoint held a ${known}; this one holds a ${type}. ` +
    `Set type: ${type}, or type: any for both, and replay. A text or number that means "no value" belongs in invalid.`
  )
}

/** `device/block/index/name`, escaped: no two datapoints share one. */
function pinKey({ device, block, index, name }: DatapointName): string {
  return selectorKey({ device: { name: device }, block, index, point: { name } })
}

export function typeOf(value: Exclude<LoggedValue, null>): ValueType {
  if (typeof value === 'string') return 'text'
  return typeof value === 'object' ? 'structure' : 'number'
}
