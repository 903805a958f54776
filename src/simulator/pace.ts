import { setTimeout as sleep } from 'node:timers/promises'
import type { SimulatorSettings } from './options.ts'

export interface Pace {
  /** Waits as long as a request costs. Rejects with AbortError. */
  startRequest(signal: AbortSignal): Promise<void>
  /** Most entries to send before asking again. */
  readonly batch: number
  /** Waits until `count` more entries may go. Rejects with AbortError. */
  spend(count: number, signal: AbortSignal): Promise<void>
}

const creditMs = 250
const stepMs = 20

/** The cost model, on the real clock. A gateway that was idle owes at most a quarter of a second of entries. */
export function createPace({ entriesPerSecond, secondsPerRequest }: SimulatorSettings['cost']): Pace {
  const entriesPerMs = entriesPerSecond / 1000
  const requestMs = secondsPerRequest * 1000
  let paidUntil = Number.NEGATIVE_INFINITY
  return {
    async startRequest(signal) {
      if (requestMs > 0) await sleep(requestMs, undefined, { signal })
    },
    batch: entriesPerMs > 0 ? Math.max(1, Math.min(256, Math.round(entriesPerMs * stepMs))) : 256,
    async spend(count, signal) {
      if (entriesPerMs === 0) return
      const now = performance.now()
      paidUntil = Math.max(paidUntil, now - creditMs) + count / entriesPerMs
      if (paidUntil > now) await sleep(paidUntil - now, undefined, { signal })
    },
  }
}
