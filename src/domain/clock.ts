/** Time is a parameter (law 11): whoever needs the time or has to wait is given a clock. */
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

/** The longest wait a timer can hold (2^31 − 1 ms, 24.8 days); longer ones are made of several. */
const longestTimerMs = 2_147_483_647

export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  async sleep(ms, signal) {
    for (let left = ms; left > 0; left -= longestTimerMs) await timer(Math.min(left, longestTimerMs), signal)
    signal?.throwIfAborted()
  },
}

function timer(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted()
    const stop = () => {
      clearTimeout(handle)
      reject(signal?.reason)
    }
    const handle = setTimeout(() => {
      signal?.removeEventListener('abort', stop)
      resolve()
    }, ms)
    signal?.addEventListener('abort', stop, { once: true })
  })
}
