import type { SyncConfig } from '../config/config.ts'
import { clocksDisagreeMs } from '../domain/clock.ts'
import type { Coverage } from '../domain/coverage.ts'
import { RangeSet, rangeLength, type TimeRange } from '../domain/range.ts'
import { hasTime } from './clock-premise.ts'

/** How long a gateway may take to store an entry, as configured. */
export type Delays = Pick<SyncConfig, 'settle' | 'lateness'>

/** Law 8, as moments of the gateway's clock. */
interface Maturity {
  /** Nothing after this is asked for: it may not be stored yet. */
  readonly settledUntil: number
  /** What ends before this is final when it is first read; what ends after it is provisional. */
  readonly matureUntil: number
}

/** Two clocks, and none is right because it is ours. All in ms UTC. */
interface Clocks {
  readonly gateway: number
  readonly host: number
  /** True where the gateway's time is the one that it logs by; false: a `Date` header, which a proxy may write. */
  readonly isOwnTime: boolean
  /** The newest entry that the gateway has ever sent, as far as it was asked for. */
  readonly newestEntry: number | undefined
}

/** No clock that is believed at all is further ahead than this of the one that logs. */
const mostAheadMs = 86_400_000

/**
 * Nothing is final before its time has come by both clocks: a range that lies in the gateway's future is empty and would
 * hide what is logged there later. A gateway's clock that is ahead of the host's and may not be the one that logs has less
 * say: nothing is asked for ahead of the host, unless entries prove that the time has come, and the last day is not
 * final before an entry has shown that it is over.
 */
export function maturityAt(clocks: Clocks, { settle, lateness }: Delays): Maturity {
  const { gateway, host, isOwnTime, newestEntry } = clocks
  const isDoubtful = gateway - host > clocksDisagreeMs && !isOwnTime && hasTime(host)
  const asked = isDoubtful ? Math.min(gateway, Math.max(host, newestEntry ?? host)) : gateway
  const both = Math.min(gateway, host)
  const passed = isDoubtful ? Math.min(both, Math.max(newestEntry ?? both, both - mostAheadMs)) : both
  return { settledUntil: asked - settle, matureUntil: passed - Math.max(settle, lateness) }
}

/**
 * Wanted minus covered is work. Provisional ranges are work again when they are mature: once, whole, and not in slivers —
 * a schedule of minutes would otherwise re-read every one of its small ranges. `rereadMs` is how much must have matured
 * before it is worth a request; 0: any.
 */
export function missingRanges(wanted: TimeRange, covered: Coverage, maturity: Maturity, rereadMs: number): RangeSet {
  const after = Math.max(wanted.after, covered.since ?? wanted.after)
  const asked = RangeSet.of({ after, until: Math.min(wanted.until, maturity.settledUntil) })
  const mature = RangeSet.from(covered.asFetched.filter(({ until }) => until <= maturity.matureUntil))
  const worthARequest = mature
    .intersect(covered.provisional)
    .ranges.filter(range => rangeLength(range) >= rereadMs || endsProvisional(range, covered.provisional))
  return asked.subtract(covered.final).subtract(covered.provisional).add(RangeSet.from(worthARequest).intersect(asked))
}

function endsProvisional(range: TimeRange, provisional: RangeSet): boolean {
  return provisional.ranges.some(whole => whole.until === range.until)
}
