import type { Clock } from '../../src/domain/clock.ts'

/** A clock that stands still until the test moves it. */
export interface SteeredClock extends Clock {
  /** What has been asked for, in order: milliseconds. */
  readonly slept: readonly number[]
  /** Sleeps that are under way. */
  readonly sleeping: number
  /** Moves on by `ms` and wakes, in the order of time, all that is due. */
  advance(ms: number): void
  /** Sets the time without waking anyone: what an administrator or NTP does. */
  set(ms: number): void
  /** From now on jumps to the next sleeper as soon as nothing else is to be done: no test waits for real. */
  runFreely(): void
}

interface Sleeper {
  readonly at: number
  readonly wake: () => void
}

export function steeredClock(start = 1_700_000_000_000): SteeredClock {
  let now = start
  /** What `set` has moved the time by. */
  let moved = 0
  let free = false
  let planned = false
  const sleepers = new Set<Sleeper>()
  const slept: number[] = []

  function next(): Sleeper | undefined {
    let first: Sleeper | undefined
    for (const sleeper of sleepers) if (first === undefined || sleeper.at < first.at) first = sleeper
    return first
  }

  function wake(sleeper: Sleeper): void {
    sleepers.delete(sleeper)
    now = Math.max(now, sleeper.at)
    sleeper.wake()
  }

  function planJump(): void {
    if (!free || planned || sleepers.size === 0) return
    planned = true
    // one turn of the event loop: what is ready goes first
    setImmediate(() => {
      planned = false
      const first = next()
      if (first !== undefined) wake(first)
      planJump()
    })
  }

  return {
    now: () => now,
    elapsed: () => now - moved - start,
    slept,
    get sleeping() {
      return sleepers.size
    },
    async sleep(ms, signal) {
      signal?.throwIfAborted()
      slept.push(ms)
      if (ms <= 0) return
      await new Promise<void>((resolve, reject) => {
        const sleeper = { at: Math.ceil(now + ms), wake: () => done(resolve) }
        const stop = () => done(() => reject(signal?.reason))
        const done = (end: () => void) => {
          sleepers.delete(sleeper)
          signal?.removeEventListener('abort', stop)
          end()
        }
        signal?.addEventListener('abort', stop, { once: true })
        sleepers.add(sleeper)
        planJump()
      })
    },
    advance(ms) {
      const until = now + ms
      for (let first = next(); first !== undefined && first.at <= until; first = next()) wake(first)
      now = until
    },
    set(ms) {
      moved += ms - now
      now = ms
    },
    runFreely() {
      free = true
      planJump()
    },
  }
}
