import { describe, expect, test } from 'vitest'
import { Failure } from '../../../src/domain/failure.ts'
import { createRateLimit, tooFast } from '../../../src/smartserver/rate-limit.ts'
import { steeredClock } from '../../support/steered-clock.ts'

const { signal } = new AbortController()

function polite() {
  const clock = steeredClock()
  clock.runFreely()
  const waits: number[] = []
  const rateLimit = createRateLimit({ clock, onTooFast: ms => waits.push(ms) })
  /** Asks a gateway that answers so many times with this failure first. */
  const askAfter = (times: number, failure: Failure) => {
    let left = times
    return rateLimit(async () => {
      if (left-- > 0) throw failure
      return 'answer'
    }, signal)
  }
  return { clock, waits, rateLimit, askAfter }
}

describe('a gateway that is looked at once', () => {
  test('is never asked more than six times in a second, and at once where it took its time', async () => {
    const { clock, rateLimit } = polite()
    const asked: number[] = []
    for (let i = 0; i < 50; i++) await rateLimit(async () => void asked.push(clock.now()), signal)
    for (const at of asked) expect(asked.filter(it => it >= at && it < at + 1_000).length).toBeLessThanOrEqual(6)
    const slow = async () => clock.advance(500)
    await rateLimit(slow, signal)
    const sleeps = clock.slept.length
    for (let i = 0; i < 5; i++) await rateLimit(slow, signal)
    expect(clock.slept).toHaveLength(sleeps)
  })

  test('is asked again where it wanted fewer requests, after the wait that it named, and the person is informed', async () => {
    const { clock, waits, askAfter } = polite()
    const began = clock.now()
    expect(await askAfter(2, tooFast({ 'retry-after': '3' }))).toBe('answer')
    expect(waits).toEqual([3_000, 3_000])
    expect(clock.now() - began).toBeGreaterThanOrEqual(6_000)
  })

  test('is left alone where that lasts, or would last for longer than anybody waits', async () => {
    const { waits, askAfter } = polite()
    await expect(askAfter(100, tooFast({ 'retry-after': '3' }))).rejects.toMatchObject({ code: 'too-fast' })
    expect(waits).toHaveLength(5)
    await expect(askAfter(1, tooFast({ 'retry-after': '86400' }))).rejects.toMatchObject({
      code: 'too-fast',
      retryAfterMs: 3_600_000,
    })
    expect(waits).toHaveLength(5)
  })

  test('is not asked again after any other failure', async () => {
    const { waits, askAfter } = polite()
    const locked = new Failure('locked', { code: 'login-locked', retry: 'later', reach: 'gateway', retryAfterMs: 9 })
    await expect(askAfter(1, locked)).rejects.toBe(locked)
    expect(waits).toEqual([])
  })

  test('is waited for no longer than the command runs', async () => {
    const clock = steeredClock()
    const stop = new AbortController()
    const rateLimit = createRateLimit({ clock, onTooFast: () => setImmediate(() => stop.abort(new Error('stopped'))) })
    const asking = rateLimit(async () => {
      throw tooFast({ 'retry-after': '60' })
    }, stop.signal)
    await expect(asking).rejects.toThrow('stopped')
    expect(clock.sleeping).toBe(0)
  })

  test('is asked again at once after the clock of this host was set back', async () => {
    const { clock, rateLimit } = polite()
    await rateLimit(async () => {}, signal)
    clock.set(clock.now() - 3_600_000)
    await rateLimit(async () => {}, signal)
    expect(Math.max(...clock.slept)).toBeLessThan(1_000)
  })
})
