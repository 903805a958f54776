/** A gateway's clock beside this host's, at one moment, both in ms UTC. */
export interface ClockReading {
  readonly host: number
  readonly gateway: number
}

/** The `Date` header has whole seconds, and clocks are slewed: less than this is no setting of a clock. */
const toleranceMs = 60_000

/**
 * Whether a gateway's clock was set back between two readings. What was complete up to the earlier one is then complete no
 * more: the gateway goes through that time once again and logs it anew. Returns the moment of the new clock after which
 * nothing counts, which is when the earlier reading was taken; undefined where it was not set back.
 */
export function clockSetBack(earlier: ClockReading | undefined, now: ClockReading): number | undefined {
  if (earlier === undefined) return undefined
  const passed = Math.max(0, now.host - earlier.host)
  const setBackMs = earlier.gateway + passed - now.gateway
  return setBackMs > toleranceMs ? now.gateway - passed : undefined
}
