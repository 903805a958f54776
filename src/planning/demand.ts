import type { TimeRange, WantedSince } from '../domain/range.ts'
import type { Delays } from './missing.ts'

/** What is wanted of the gateways in a run. */
export type Demand =
  /** Everything between two times, once, oldest parked ranges included; `until` undefined: up to now. ms UTC. */
  | { readonly kind: 'once'; readonly after: number; readonly until?: number | undefined }
  /**
   * Everything since so long ago, again and again, the newest first. No request begins after the deadline (ms UTC by the
   * host's clock): what is left is for the next pass.
   */
  | { readonly kind: 'sync'; readonly sinceMs: number; readonly deadline?: number | undefined }
  /** What is parked, and nothing else. */
  | { readonly kind: 'parked' }

/** A demand in terms of planning. */
interface DemandTerms {
  /** By the gateway's clock; what is not settled yet is left out later. */
  readonly wanted: TimeRange
  /** See `missingRanges`. */
  readonly rereadMs: number
  /** The newest range of each group comes first, whatever backlog there is. */
  readonly newestFirst: boolean
  /** Parked ranges that were tried within this time are left alone, ms; 0: all are tried again. */
  readonly coolingMs: number
  /** Also what is parked before the wanted time, but not before this moment, ms UTC; undefined: not. */
  readonly parkedSince: number | undefined
  /** Of the wanted time, only what is parked. */
  readonly isParkedOnly: boolean
}

/** Parked ranges are tried on a slow clock: they have failed often enough. */
const coolingMs = 3_600_000

/** `oldest`: older than this the database does not keep it, ms UTC. It would cost the gateway and bring nothing. */
export function termsOf(
  demand: Demand,
  gatewayNow: number,
  maturity: Delays,
  oldest: number,
  remembered?: WantedSince | undefined,
): DemandTerms {
  const once = { rereadMs: 0, newestFirst: false, coolingMs: 0, parkedSince: undefined, isParkedOnly: false }
  if (demand.kind === 'once') {
    const { after, until = gatewayNow } = demand
    return { ...once, wanted: clampToRetention({ after, until }, oldest) }
  }
  if (demand.kind === 'parked')
    return { ...once, wanted: clampToRetention({ after: 0, until: gatewayNow }, oldest), isParkedOnly: true }
  return {
    wanted: clampToRetention(
      { after: wantedSince(gatewayNow, demand.sinceMs, remembered).after, until: gatewayNow - maturity.settle },
      oldest,
    ),
    rereadMs: maturity.lateness,
    newestFirst: true,
    coolingMs,
    parkedSince: Math.max(0, oldest),
    isParkedOnly: false,
  }
}

/**
 * What a schedule once wanted stays wanted: after an outage longer than `sync.since` the time before it is still missing.
 * A shorter `sync.since` than before is a decision of the person, and begins anew.
 */
export function wantedSince(gatewayNow: number, sinceMs: number, remembered: WantedSince | undefined): WantedSince {
  const after = gatewayNow - sinceMs
  if (remembered === undefined || sinceMs < remembered.sinceMs) return { after, sinceMs }
  return { after: Math.min(after, remembered.after), sinceMs }
}

export function deadlineOf(demand: Demand): number | undefined {
  return demand.kind === 'sync' ? demand.deadline : undefined
}

/** The part of a range that is not older than `oldest`, ms; without length where all of it is. */
export function clampToRetention({ after, until }: TimeRange, oldest: number): TimeRange {
  return { after: Math.min(until, Math.max(after, oldest)), until }
}
