import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { systemClock } from '../../../src/cli/system-clock.ts'

describe('the system clock', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('sleeps as long as it was asked to', async () => {
    let awake = false
    const sleep = systemClock.sleep(1_000).then(() => {
      awake = true
    })
    await vi.advanceTimersByTimeAsync(999)
    expect(awake).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    await sleep
    expect(awake).toBe(true)
  })

  it('does not sleep for nothing or less', async () => {
    await systemClock.sleep(0)
    await systemClock.sleep(-5)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('sleeps for two months, longer than a timer of Node can', async () => {
    const twoMonths = 60 * 86_400_000
    let awake = false
    const sleep = systemClock.sleep(twoMonths).then(() => {
      awake = true
    })
    await vi.advanceTimersByTimeAsync(twoMonths - 1)
    expect(awake).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    await sleep
    expect(awake).toBe(true)
  })

  it('wakes at once with the reason of an abort, and leaves no timer', async () => {
    const stop = new AbortController()
    const reason = new Error('stopped')
    const sleep = systemClock.sleep(1_000_000, stop.signal)
    const woken = expect(sleep).rejects.toBe(reason)
    stop.abort(reason)
    await woken
    expect(vi.getTimerCount()).toBe(0)
  })

  it('does not begin to sleep when already aborted', async () => {
    const reason = new Error('stopped')
    await expect(systemClock.sleep(1_000, AbortSignal.abort(reason))).rejects.toBe(reason)
    await expect(systemClock.sleep(0, AbortSignal.abort(reason))).rejects.toBe(reason)
    expect(vi.getTimerCount()).toBe(0)
  })
})
