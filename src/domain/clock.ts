/** Time is a parameter (law 11): what needs the time or has to wait is given a clock. */
export interface Clock {
  /** Milliseconds since 1970, UTC. */
  now(): number
  /** Milliseconds since some fixed moment: runs on evenly when the clock is set. */
  elapsed(): number
  /** Resolves after `ms`; rejects with the signal's reason as soon as it aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/** A gateway's clock beside this host's, at one moment, both in ms UTC. */
export interface ClockReading {
  readonly host: number
  readonly gateway: number
}

/** A `Date` header has whole seconds, and an answer takes time: less than this is no disagreement of two clocks. */
export const clocksDisagreeMs = 60_000
