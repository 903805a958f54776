/** A request brings what it brings in minutes, and is asked for in shorter ranges where it does not. */
const longestMs = 3_600_000
/** Frames in so many idle timeouts: fewer mean that the gateway keeps the request alive without answering it. */
const leastFrames = 50
const leastFramesTimeouts = 5

/**
 * Says of a data-log socket that it is too slow, or open for too long; undefined: it is neither. `readMs`: for how long the
 * socket has been read, without the time in which the program did not read it.
 */
export function createSlowness(idleTimeoutMs: number): (readMs: number, frames: number) => string | undefined {
  let from = { readMs: 0, frames: 0 }
  return (readMs, frames) => {
    if (readMs > longestMs) return `no "end" came within ${longestMs / 60_000} min of reading`
    const sinceMs = readMs - from.readMs
    if (sinceMs < leastFramesTimeouts * idleTimeoutMs) return undefined
    const came = frames - from.frames
    from = { readMs, frames }
    return came < leastFrames ? `the gateway sent ${came} entries in ${Math.round(sinceMs / 1_000)} s` : undefined
  }
}
