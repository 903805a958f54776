import type { RequestsConfig } from '../config/config.ts'
import { type Selector, selectorKey } from '../domain/datapoint.ts'
import { RangeSet, rangeLength, type TimeRange } from '../domain/range.ts'
import type { PastTransfer, Receipt, Share } from '../domain/receipt.ts'
import type { Width } from '../domain/request.ts'
import type { Missing, Piece } from './backlog.ts'

/** Which selectors are asked for together. `auto`: by device at first, then by what was learnt of the gateway. */
export type Grouping = RequestsConfig['per']

/** The key of a group, and what is known of it. */
export type WidthOf = (group: string) => Width | undefined

/** Fewer entries than this say little about how much of a device's log is wanted. */
const enoughToJudge = 1_000

/** The name under which the ledger remembers what it has learnt of a group. */
export function groupKey(selector: Selector, per: Grouping): string {
  if (per === 'gateway') return '*'
  const isTogether = per !== 'datapoint' && selector.device !== undefined
  return selectorKey(isTogether ? { device: selector.device } : selector)
}

/** The group of all that is configured of a gateway. */
export const everything = groupKey({}, 'gateway')

/** With fewer devices, one request for each costs the gateway little. */
export const manyDevices = 8

/** One more request costs a gateway as much as so many entries that are not wanted (0.3 s at 5,000 a second), and more. */
const fewOutside = 1_000

/**
 * The time that a schedule asks for in one request for the whole gateway: what at least half of its datapoints lack, on a
 * gateway of many devices. Requests measure how much of what they bring is wanted: see `widthOfAll`. Where that is little, only
 * ranges are asked for together that bring few entries in vain.
 */
export function askedTogether(missing: readonly Missing[], widthOf: WidthOf, share: Share | undefined): RangeSet {
  const devices = new Set(missing.flatMap(({ selector: { device } }) => (device ? [selectorKey({ device })] : [])))
  if (devices.size < manyDevices) return RangeSet.empty
  const common = commonTime(missing)
  if (widthOf(everything) !== 'narrow') return common
  const longest = longestTogether(share)
  return RangeSet.from(common.ranges.filter(range => rangeLength(range) <= longest))
}

/** The longest range that brings few entries in vain, ms, where most of what comes is not wanted. */
export function longestTogether(share: Share | undefined): number {
  return share === undefined ? 0 : (fewOutside / Math.max(1, share.outside)) * share.ms
}

/** What at least half of the datapoints lack. */
function commonTime(missing: readonly Missing[]): RangeSet {
  const steps = missing.flatMap(({ ranges }) =>
    ranges.ranges.flatMap(({ after, until }) => [
      { at: after, step: 1 },
      { at: until, step: -1 },
    ]),
  )
  steps.sort((a, b) => a.at - b.at)
  const common: TimeRange[] = []
  let count = 0
  for (const [i, { at, step }] of steps.entries()) {
    count += step
    const until = steps[i + 1]?.at ?? at
    if (count * 2 >= missing.length && at < until) common.push({ after: at, until })
  }
  return RangeSet.of(...common)
}

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
  if (receipt.received < enoughToJudge) return undefined
  if (receipt.outside * 2 <= receipt.received) return undefined
  const [{ device }] = piece.selectors
  if (device === undefined) return undefined
  // where no query can hold its name, the request may have had no filter: that says nothing about the gateway
  if ('name' in device && !canBeSent(device.name)) return undefined
  if (receipt.foreign * 2 > receipt.received) return { group: everything, width: 'always wide' }
  const together = selectorKey({ device })
  if (widthOf(together) === 'always wide') return undefined
  return { group: together, width: piece.group === together ? 'narrow' : 'always wide' }
}

/**
 * What the newest requests of the same datapoints brought together, as many of them as it takes to judge: those of a schedule
 * are small. Undefined: too little.
 */
export function measureShare(newestFirst: readonly PastTransfer[], asked: string): Share | undefined {
  let [received, outside, ms] = [0, 0, 0]
  for (const { asked: its, range, receipt } of newestFirst) {
    if (its !== asked) continue
    received += receipt.received
    outside += receipt.outside
    ms += rangeLength(range)
    if (received >= enoughToJudge) return { received, outside, ms }
  }
  return undefined
}

/** Of requests for all devices: up to a third that is not wanted is bearable, more than half is not; in between it stays. */
export function widthOfAll({ received, outside }: Share, known: Width | undefined): Width | undefined {
  if (outside * 2 > received) return 'narrow'
  return outside * 3 <= received ? 'wide' : known
}

/** No other than was measured before, as far as it matters. */
export function isLike(share: Share, before: Share | undefined): boolean {
  if (before === undefined) return false
  const [part, partBefore] = [share.outside / share.received, before.outside / before.received]
  const [rate, rateBefore] = [share.outside / share.ms, before.outside / before.ms]
  return Math.abs(part - partBefore) < 0.05 && Math.max(rate, rateBefore) <= 1.5 * Math.min(rate, rateBefore)
}
