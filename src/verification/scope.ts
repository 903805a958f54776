import type { Config, GatewayConfig } from '../config/config.ts'
import { type Selector, selectorLabel } from '../domain/datapoint.ts'
import { RangeSet, type TimeRange } from '../domain/range.ts'
import type { Remarked } from '../domain/remark.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Finding } from './finding.ts'

/** What of a gateway's claims counts. */
export interface GatewayClaims {
  readonly name: string
  readonly selectors: readonly Selector[]
}

/**
 * The chosen gateway, or all that are configured or in the ledger. Of a configured one its configured datapoints count;
 * of one that is only in the ledger, all of it.
 */
export function claimsOf(config: Config, only: string | undefined, ledger: Ledger, sink: string): GatewayClaims[] {
  const names = new Set([...config.gateways.map(({ name }) => name), ...ledger.coverage.gateways(sink)])
  return (only === undefined ? [...names] : [only]).map(name => {
    const configured = configOf(config, name)
    const selectors = configured?.datapoints.map(({ selector }) => selector)
    return { name, selectors: selectors ?? ledger.coverage.selectors({ sink, gateway: name }) }
  })
}

function configOf(config: Config, gateway: string): GatewayConfig | undefined {
  return config.gateways.find(({ name }) => name === gateway)
}

/** What a verification was about, and what it says nothing about. */
export interface Scope {
  /** From the first range that was verified to the last; undefined: there was none. */
  readonly period: TimeRange | undefined
  readonly gateways: readonly GatewayScope[]
  /** What is recorded as complete in this time: datapoints as configured, and the sum of their days. */
  readonly proven: { readonly datapoints: number; readonly days: number }
  /** What the ledger holds of these gateways at any time: nothing, only provisional ranges, or more. */
  readonly claims: 'none' | 'fresh' | 'final'
}

export interface GatewayScope {
  readonly name: string
  /** Undefined: it is only in the ledger, for example after the load of a bundle. */
  readonly url: string | undefined
  /** Those that were verified. */
  readonly datapoints: readonly string[]
  /** Configured, but nothing of them is recorded as complete in this time. */
  readonly unproven: readonly string[]
  /** Time between recorded ranges of which nothing is recorded. */
  /** What transfers have remarked about the values of the gateway. */
  readonly remarks: readonly Remarked[]
  /** Proven, but of points by an earlier rule: not compared. */
  readonly earlierRules: readonly { readonly datapoint: string; readonly ranges: readonly TimeRange[] }[]
  readonly gaps: readonly { readonly datapoint: string; readonly ranges: readonly TimeRange[] }[]
}

const dayMs = 86_400_000

interface ScopeParts {
  readonly ledger: Ledger
  readonly sink: string
  readonly within: TimeRange
}

export function scopeOf(
  config: Config,
  claims: readonly GatewayClaims[],
  { ledger, sink, within }: ScopeParts,
  findings: readonly Finding[],
): Scope {
  let held: Scope['claims'] = 'none'
  const proven = { datapoints: 0, days: 0 }
  const gateways = claims.map(({ name, selectors }): GatewayScope => {
    const unproven: string[] = []
    const gaps: { datapoint: string; ranges: readonly TimeRange[] }[] = []
    for (const [selector, { final, provisional, since }] of ledger.coverage.of({ sink, gateway: name }, selectors)) {
      if (!final.isEmpty) held = 'final'
      else if (!provisional.isEmpty && held === 'none') held = 'fresh'
      const datapoint = selectorLabel(selector)
      const { isEmpty, length } = final.intersect(within)
      if (isEmpty) unproven.push(datapoint)
      else proven.datapoints++
      proven.days += length / dayMs
      const ranges = gapsOf(final.add(provisional), { ...within, after: Math.max(within.after, since ?? within.after) })
      if (ranges.length > 0) gaps.push({ datapoint, ranges })
    }
    const own = findings.filter(({ gateway }) => gateway === name)
    const datapoints = [...new Set(own.map(({ selector }) => selectorLabel(selector)))]
    const earlierRules = ledger.rules.retired({ sink, gateway: name }).flatMap(({ selector, proven }) => {
      const { ranges } = proven.intersect(within)
      return ranges.length === 0 ? [] : [{ datapoint: selectorLabel(selector), ranges }]
    })
    return {
      name,
      url: configOf(config, name)?.url,
      datapoints,
      unproven,
      earlierRules,
      gaps,
      remarks: ledger.memory.remarks(name),
    }
  })
  return { period: hullOf(findings.map(({ range }) => range)), gateways, proven, claims: held }
}

/** From the beginning of `within`, or of the coverage where that is open, to the end of the coverage at most. */
function gapsOf(covered: RangeSet, within: TimeRange): readonly TimeRange[] {
  const [first, last] = [covered.ranges.at(0), covered.ranges.at(-1)]
  if (first === undefined || last === undefined) return []
  const after = Number.isFinite(within.after) ? within.after : first.after
  return covered.gaps({ after, until: Math.max(after, Math.min(within.until, last.until)) })
}

function hullOf(ranges: readonly TimeRange[]): TimeRange | undefined {
  const { ranges: sorted } = RangeSet.from(ranges)
  const [first, last] = [sorted.at(0), sorted.at(-1)]
  return first === undefined || last === undefined ? undefined : { after: first.after, until: last.until }
}
