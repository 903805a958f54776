import { type Selector, selectorKey } from '../domain/datapoint.ts'
import type { Receipt } from '../domain/receipt.ts'
import type { Piece } from './backlog.ts'

/** Which selectors are asked for together. `auto`: by device at first, then by what was learnt of the gateway. */
export type Grouping = 'datapoint' | 'device' | 'gateway' | 'auto'

/** What was learnt of a group: its datapoints are asked for one by one, or together for good. */
export type Width = 'narrow' | 'always wide'

/** The key of a group, and what is known of it. */
export type WidthOf = (group: string) => string | undefined

/** Fewer entries than this say little about how much of a device's log is wanted. */
const enoughToJudge = 1_000

/** The name under which the ledger remembers what it has learnt of a group. */
export function groupKey(selector: Selector, per: Grouping): string {
  if (per === 'gateway') return '*'
  const isTogether = per !== 'datapoint' && selector.device !== undefined
  return selectorKey(isTogether ? { device: selector.device } : selector)
}

/** The group of a gateway that ignores filters altogether. */
const everything = groupKey({}, 'gateway')

export function groupOf(selector: Selector, per: Grouping, widthOf: WidthOf): string {
  if (per !== 'auto') return groupKey(selector, per)
  if (widthOf(everything) === 'always wide') return everything
  const key = groupKey(selector, per)
  return widthOf(key) === 'narrow' ? selectorKey(selector) : key
}

/**
 * What a request has taught about the grouping `auto`; undefined: nothing new. If most of what it brought was not asked
 * for, the datapoints of its device are asked for one by one from now on. If that brings as much that was not asked for,
 * the gateway ignores the name of the datapoint, and one request for all of the device is better for good. If it brings
 * mostly other devices, the gateway ignores filters, and one request for everything is.
 */
export function learntWidth(
  piece: Piece,
  receipt: Receipt,
  widthOf: WidthOf,
  canBeSent: (deviceName: string) => boolean,
): { readonly group: string; readonly width: Width } | undefined {
  if (receipt.received < enoughToJudge || receipt.outside * 2 <= receipt.received) return undefined
  const [{ device }] = piece.selectors
  if (device === undefined || piece.group === everything) return undefined
  // where no query can hold its name, the request may have had no filter: that says nothing about the gateway
  if ('name' in device && !canBeSent(device.name)) return undefined
  if (receipt.foreign * 2 > receipt.received) return { group: everything, width: 'always wide' }
  const together = selectorKey({ device })
  if (widthOf(together) === 'always wide') return undefined
  return { group: together, width: piece.group === together ? 'narrow' : 'always wide' }
}
