/** How busy the gateway is, on the real clock. */
export interface LoadMeter {
  /** Counts entries that were sent. */
  add(entries: number): void
  /** Per cent, 0 to 100, one decimal. */
  cpu(): number
  /** Holds the CPU at a value, for tests of throttling; undefined lets it follow the load again. */
  hold(percent: number | undefined): void
}

const idlePercent = 7
const memoryMs = 5000

/** The CPU rises with the entries sent over the last seconds, from 7 % when idle to 97 % at `capacity` entries a second. */
export function createLoadMeter(capacity: number): LoadMeter {
  let held: number | undefined
  let recent = 0
  let seen = performance.now()
  const decay = () => {
    const now = performance.now()
    recent *= Math.exp((seen - now) / memoryMs)
    seen = now
  }
  return {
    add(entries) {
      decay()
      recent += entries
    },
    cpu() {
      if (held !== undefined) return held
      decay()
      const perSecond = recent / (memoryMs / 1000)
      return Math.round(10 * (idlePercent + 90 * Math.min(1, perSecond / capacity))) / 10
    },
    hold(percent) {
      held = percent
    },
  }
}
