import { type DatapointName, selectorKey } from '../domain/datapoint.ts'
import type { LoggedValue, Rejection } from '../domain/entry.ts'
import { rejection } from './fields.ts'

/** What a datapoint logs: booleans are numbers. */
export type ValueKind = 'number' | 'text' | 'structure'

/** Where the kind of each datapoint of one gateway is remembered from run to run. */
export interface TypePins {
  get(datapoint: string): ValueKind | undefined
  /** Counts from now on; durable with the next `keep`. */
  set(datapoint: string, kind: ValueKind): void
  keep(): void
}

/** The kind of one datapoint, once it is known. */
export interface Pin {
  /** Undefined: this kind is welcome. */
  check(kind: ValueKind): Rejection | undefined
}

/**
 * The first kind seen, or the configured one, is the datapoint's for good: another one would go to another field, and
 * its graphs would end without a word.
 */
export function openPin(
  datapoint: DatapointName,
  configured: ValueKind | 'any' | undefined,
  pins: TypePins | undefined,
): Pin {
  if (configured === 'any') return { check: () => undefined }
  const key = pinKey(datapoint)
  let known = configured ?? pins?.get(key)
  return {
    check(kind) {
      if (kind === known) return undefined
      if (known !== undefined) return rejection('type-changed', typeChanged(known, kind, configured !== undefined))
      if (pins === undefined) return undefined
      known = kind
      pins.set(key, kind)
      return undefined
    },
  }
}

function typeChanged(known: ValueKind, kind: ValueKind, isConfigured: boolean): string {
  if (isConfigured) return `The configuration says that the datapoint logs a ${known}; this entry holds a ${kind}.`
  return (
    `The first entry of the datapoint held a ${known}; this one holds a ${kind}. ` +
    `Set type: ${kind}, or type: any for both, and replay. A text or number that means "no value" belongs in invalid.`
  )
}

/** `device/block/index/name`, escaped: no two datapoints share one. */
function pinKey({ device, block, index, name }: DatapointName): string {
  return selectorKey({ device: { name: device }, block, index, point: { name } })
}

export function kindOf(value: Exclude<LoggedValue, null>): ValueKind {
  if (typeof value === 'string') return 'text'
  return typeof value === 'object' ? 'structure' : 'number'
}
