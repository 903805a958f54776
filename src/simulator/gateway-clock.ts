/** The clock of the gateway, which may be wrong and may be set. */
export interface GatewayClock {
  /** ms UTC. */
  now(): number
  /** Time since the start, ms, however the clock was set. */
  elapsedMs(): number
  move(ms: number): void
  /** Sets it to a time, ms UTC, or back to what it was ahead at the start. */
  set(to: number | 'right'): void
}

export function createGatewayClock(time: () => number, skewMs: number): GatewayClock {
  const started = time()
  let ahead = skewMs
  return {
    now: () => time() + ahead,
    elapsedMs: () => time() - started,
    move(ms) {
      ahead += ms
    },
    set(to) {
      ahead = to === 'right' ? skewMs : to - time()
    },
  }
}
