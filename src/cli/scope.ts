import type { Config, GatewayConfig } from '../config/schema.ts'
import { type Selector, selectorLabel } from '../domain/datapoint.ts'
import { RangeSet, type TimeRange } from '../domain/range.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Finding } from '../verification/finding.ts'

/** What a verification was about, and what it had nothing to say of. */
export interface Scope {
  /** From the first range that was looked at to the last; undefined: there was none. */
  readonly period: TimeRange | undefined
  readonly gateways: readonly GatewayScope[]
  /** What the ledger holds of these gateways, whenever it was: nothing, only what is still provisional, or more. */
  readonly claims: 'none' | 'fresh' | 'final'
}

export interface GatewayScope {
  readonly name: string
  /** Undefined: it is in the ledger alone, as what a bundle has brought. */
  readonly url: string | undefined
  /** Claims that were looked at. */
  readonly datapoints: readonly string[]
  /** Configured, but nothing of it is recorded as complete in this time. */
  readonly unproven: readonly string[]
  /** Time between what is recorded, of which nothing is. */
  readonly gaps: readonly { readonly datapoint: string; readonly ranges: readonly TimeRange[] }[]
}

/** Gateways to look at: the chosen one, or all that are configured or in the ledger. */
export function gatewaysOf(config: Config, only: string | undefined, ledger: Ledger, sink: string): string[] {
  if (only !== undefined) return [only]
  return [...new Set([...config.gateways.map(({ name }) => name), ...ledger.gateways(sink)])]
}

/** What of a gateway's claims counts: those for its configured datapoints; all of one that is not configured. */
export function selectorsOf(config: Config, gateway: string, ledger: Ledger, sink: string): readonly Selector[] {
  const configured = configOf(config, gateway)
  return configured === undefined
    ? ledger.selectors({ sink, gateway })
    : configured.datapoints.map(({ selector }) => selector)
}

export function configOf(config: Config, gateway: string): GatewayConfig | undefined {
  return config.gateways.find(({ name }) => name === gateway)
}

export function scopeOf(
  config: Config,
  names: readonly string[],
  { ledger, sink, within }: { readonly ledger: Ledger; readonly sink: string; readonly within: TimeRange },
  findings: readonly Finding[],
): Scope {
  let claims: Scope['claims'] = 'none'
  const gateways = names.map((name): GatewayScope => {
    const own = findings.filter(({ gateway }) => gateway === name)
    const coverage = ledger.coverage({ sink, gateway: name }, selectorsOf(config, name, ledger, sink))
    const unproven: string[] = []
    const gaps: { datapoint: string; ranges: readonly TimeRange[] }[] = []
    for (const [selector, { final, provisional }] of coverage) {
      if (!final.isEmpty) claims = 'final'
      else if (!provisional.isEmpty && claims === 'none') claims = 'fresh'
      const datapoint = selectorLabel(selector)
      if (final.intersect(within).isEmpty) unproven.push(datapoint)
      const ranges = gapsOf(final.add(provisional), within)
      if (ranges.length > 0) gaps.push({ datapoint, ranges })
    }
    const datapoints = [...new Set(own.map(({ selector }) => selectorLabel(selector)))]
    return { name, url: configOf(config, name)?.url, datapoints, unproven, gaps }
  })
  return { period: hullOf(findings.map(({ range }) => range)), gateways, claims }
}

/** From the beginning of what is asked for, where it is said, or of what there is; to its end, likewise. */
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
