import type { TimeRange } from '../domain/range.ts'
import type { Wish } from './job.ts'

/**
 * What the database would refuse for its age is not asked for: it would cost the gateway and bring nothing. The border
 * moves on while a run works; what it overtakes is refused by the database and counted there.
 */
export function keepable(wish: Wish, retentionMs: number | undefined, now: number): Wish {
  if (retentionMs === undefined) return wish
  const oldest = now - retentionMs
  const { parkedSince } = wish
  return {
    ...wish,
    wanted: gatewayNow => keptPart(wish.wanted(gatewayNow), oldest),
    ...(parkedSince === undefined ? {} : { parkedSince: Math.max(parkedSince, oldest) }),
  }
}

/** The part of a range that is not older than `oldest`, ms; without length where all of it is. */
export function keptPart({ after, until }: TimeRange, oldest: number): TimeRange {
  return { after: Math.min(until, Math.max(after, oldest)), until }
}
