import type { RequestsConfig } from '../config/config.ts'
import { type Selector, selectorKey } from '../domain/datapoint.ts'
import { minute } from '../domain/duration.ts'
import { RangeSet } from '../domain/range.ts'
import type { Share } from '../domain/receipt.ts'
import { type RequestLimits, turnMs } from './estimate.ts'
import {
  askedTogether,
  everything,
  type Grouping,
  groupOf,
  longestTogether,
  manyDevices,
  type WidthOf,
} from './grouping.ts'

/**
 * Why datapoints are asked for as they are. `few-devices`, `unmeasured`, `wanted`, `unwanted`, `few-in-vain`, `no-filters` are of
 * the grouping `auto`: `wanted` and `unwanted` by the share of what came, `few-in-vain` although most of it is not wanted.
 */
type GroupingReason = 'configured' | 'few-devices' | 'unmeasured' | 'wanted' | 'unwanted' | 'few-in-vain' | 'no-filters'

export interface GroupingInUse {
  readonly per: Exclude<Grouping, 'auto'>
  readonly reason: GroupingReason
  /** What requests for all devices brought, where it was measured. */
  readonly share: Share | undefined
  /** Devices of which each datapoint is asked for by itself, because little of what they log is wanted. */
  readonly narrowDevices: number
}

/** What a schedule asks of a gateway in each pass once nothing older is missing. */
export interface Pace {
  readonly grouping: GroupingInUse
  readonly requests: number
  /** What these requests take, ms. */
  readonly neededMs: number
  /** `sync.every`, ms. */
  readonly everyMs: number
  /** What would keep up; empty where it does, or where nothing would. */
  readonly remedies: readonly Remedy[]
}

/** A setting that would keep up, as it stands in the configuration. */
export interface Remedy {
  readonly setting: 'requests.per' | 'sync.every' | 'limits.requestsPerMinute'
  readonly value: string | number
  /** Requests a pass with it. */
  readonly requests: number
}

export interface PaceParts {
  readonly selectors: readonly Selector[]
  readonly requests: Pick<RequestsConfig, 'per'>
  readonly sync: { readonly every: number; readonly lateness: number }
  readonly limits: RequestLimits
  /** What one request takes, ms. */
  readonly requestMs: number
  readonly widthOf: WidthOf
  readonly share: Share | undefined
  readonly windowOf: (group: string) => number
}

/** The most that the configuration takes. */
const mostPerMinute = 600

export function keepsUp({ neededMs, everyMs }: Pick<Pace, 'neededMs' | 'everyMs'>): boolean {
  return neededMs <= everyMs
}

export function paceOf(parts: PaceParts): Pace {
  const grouping = groupingInUse(parts)
  const pace = { grouping, ...effortOf(parts), everyMs: parts.sync.every }
  return { ...pace, remedies: keepsUp(pace) ? [] : remediesFor(parts, pace.requests) }
}

function groupingInUse({ selectors, requests: { per }, sync, widthOf, share }: PaceParts): GroupingInUse {
  const devices = new Set(selectors.flatMap(({ device }) => (device ? [selectorKey({ device })] : [])))
  const narrowDevices = per === 'auto' ? [...devices].filter(key => widthOf(key) === 'narrow').length : 0
  const known = { share, narrowDevices }
  if (per !== 'auto') return { per, reason: 'configured', ...known }
  const width = widthOf(everything)
  if (width === 'always wide') return { per: 'gateway', reason: 'no-filters', ...known }
  if (devices.size < manyDevices) return { per: 'device', reason: 'few-devices', ...known }
  if (width === 'narrow')
    return longestTogether(share) >= sync.every
      ? { per: 'gateway', reason: 'few-in-vain', ...known }
      : { per: 'device', reason: 'unwanted', ...known }
  return { per: 'gateway', reason: share === undefined ? 'unmeasured' : 'wanted', ...known }
}

/** Of a pass that finds what was logged since the last one, and its part of the re-reads. */
function effortOf({ selectors, requests: { per }, sync, limits, requestMs, widthOf, share, windowOf }: PaceParts) {
  const { every, lateness } = sync
  const work = selectors.map(selector => ({ selector, ranges: RangeSet.of({ after: 0, until: every }) }))
  const together = per === 'auto' ? askedTogether(work, widthOf, share) : RangeSet.empty
  const groups = together.isEmpty
    ? new Set(selectors.map(selector => groupOf(selector, per, widthOf)))
    : new Set([everything])
  // a rest shorter than a quarter window is taken along
  const pieces = [...groups].reduce((sum, group) => sum + Math.max(1, Math.ceil(every / windowOf(group) - 0.25)), 0)
  const rereads = lateness === 0 ? 0 : pieces * (every / Math.max(every, lateness))
  const requests = pieces + rereads
  return { requests: Math.round(requests), neededMs: requests * turnMs(requestMs, limits) }
}

/** Each by itself, the gentlest for the gateway first. */
function remediesFor(parts: PaceParts, asked: number): Remedy[] {
  const remedies: Remedy[] = []
  const keeps = (changed: PaceParts) => effortOf(changed).neededMs <= changed.sync.every
  for (const per of ['auto', 'gateway'] as const) {
    const changed = { ...parts, requests: { per } }
    if (per === parts.requests.per || !keeps(changed)) continue
    remedies.push({ setting: 'requests.per', value: per, requests: effortOf(changed).requests })
  }
  const every = everyThatKeeps(parts, keeps)
  if (every !== undefined) remedies.push({ setting: 'sync.every', value: every, requests: asked })
  const perMinute = Math.ceil((asked / parts.sync.every) * minute)
  const faster = { ...parts, limits: { ...parts.limits, requestsPerMinute: perMinute } }
  if (perMinute <= mostPerMinute && keeps(faster))
    remedies.push({ setting: 'limits.requestsPerMinute', value: perMinute, requests: asked })
  return remedies
}

/** In whole minutes, ms; undefined: none up to a day. */
function everyThatKeeps(parts: PaceParts, keeps: (changed: PaceParts) => boolean): number | undefined {
  let every = Math.ceil(effortOf(parts).neededMs / minute) * minute
  for (; every <= 1440 * minute; every += minute) if (keeps({ ...parts, sync: { ...parts.sync, every } })) return every
  return undefined
}
