import { describe, expect, it } from 'vitest'
import { Failure } from '../../../src/domain/failure.ts'
import type { Gate, WaitReason } from '../../../src/pipeline/gate.ts'
import { createThrottle, type RequestLimits } from '../../../src/pipeline/throttle.ts'
import { minute, usualLimits } from '../../support/pipeline.ts'
import { noEnd } from '../../support/scripted-gateway.ts'
import { steeredClock } from '../../support/steered-clock.ts'

const { signal } = new AbortController()

function openThrottle(change: Partial<RequestLimits> = {}, gates: readonly Gate[] = []) {
  const clock = steeredClock()
  clock.runFreely()
  const throttle = createThrottle({ limits: { ...usualLimits, ...change }, clock, gates, sink: undefined })
  const waits: (WaitReason | undefined)[] = []
  const admit = (deadline?: number) => throttle.admit(signal, deadline, reason => void waits.push(reason))
  return { clock, throttle, admit, waits, began: clock.now() }
}

describe('a throttle', () => {
  it('spreads requests over the minute', async () => {
    const { clock, throttle, admit, began } = openThrottle({ pause: 0, requestsPerMinute: 4 })
    for (let i = 0; i < 5; i++) {
      expect(await admit()).toEqual({ isAdmitted: true })
      expect(clock.now() - began).toBe(i * 15_000)
      throttle.ended('ok')
    }
  })

  it('counts no request that was not made', async () => {
    const { clock, throttle, admit, began } = openThrottle({ requestsPerMinute: 1 })
    await admit()
    throttle.ended('unused')
    expect(await admit()).toEqual({ isAdmitted: true })
    expect(clock.now()).toBe(began)
  })

  it('keeps a socket at rest after each request, however it ended', async () => {
    for (const result of [
      'ok',
      'stopped',
      new Failure('x', { code: 'too-dense', retry: 'soon', reach: 'request' }),
    ] as const) {
      const { clock, throttle, admit, began } = openThrottle({ pause: 30_000 })
      await admit()
      clock.advance(1_000)
      throttle.ended(result)
      await admit()
      expect(clock.now() - began).toBe(31_000)
    }
  })

  it('has no more requests under way than there are sockets', async () => {
    const { throttle, admit, clock } = openThrottle({ sockets: 2, pause: 0 })
    await admit()
    await admit()
    let isAdmitted = false
    const third = admit().then(() => {
      isAdmitted = true
    })
    await clock.sleep(minute)
    expect(isAdmitted).toBe(false)
    throttle.ended('ok')
    await third
  })

  it('makes all sockets wait for what the gateway has asked for, and gives the reason', async () => {
    const { clock, throttle, admit, waits, began } = openThrottle({ sockets: 2 })
    throttle.circuit.connected()
    await admit()
    const failure = new Failure('fewer', { code: 'too-fast', retry: 'soon', reach: 'gateway', retryAfterMs: minute })
    throttle.ended(failure)
    expect(await admit(began + minute)).toMatchObject({ isAdmitted: false, reason: { kind: 'circuit-open', failure } })
    expect(clock.now()).toBe(began)
    expect(await throttle.admitLogin(signal, began + minute)).toMatchObject({ isAdmitted: false })
    expect(await admit()).toEqual({ isAdmitted: true })
    expect(clock.now()).toBe(began + minute)
    expect(waits).toMatchObject([{ kind: 'circuit-open', until: began + minute, failure }, undefined])
  })

  it('says at once that nothing may begin before the deadline, where it knows', async () => {
    const { clock, throttle, admit, began } = openThrottle({ pause: 10_000 })
    await admit()
    throttle.ended('ok')
    expect(await admit(began + 10_000)).toMatchObject({ isAdmitted: false, reason: { kind: 'pause' } })
    expect(clock.now()).toBe(began)
  })

  it('looks again and again at what has no known end, up to the deadline', async () => {
    const busy: WaitReason = { kind: 'cpu', text: 'busy', until: undefined }
    const state = { until: Number.POSITIVE_INFINITY }
    const { clock, admit, began, waits } = openThrottle({}, [() => (clock.now() < state.until ? busy : undefined)])
    expect(await admit(began + 5_000)).toEqual({ isAdmitted: false, reason: busy })
    expect(clock.now()).toBe(began + 5_000)
    state.until = began + 9_000
    expect(await admit()).toEqual({ isAdmitted: true })
    expect(waits).toEqual([busy, busy, undefined])
  })

  it('does not wait longer where the host’s clock is set back', async () => {
    const { clock, throttle, admit } = openThrottle({ pause: 10_000, requestsPerMinute: 1 })
    throttle.circuit.connected()
    await admit()
    throttle.ended(noEnd())
    clock.set(clock.now() - 24 * 60 * minute)
    const setBackAt = clock.now()
    expect(await admit()).toEqual({ isAdmitted: true })
    expect(clock.now() - setBackAt).toBeLessThanOrEqual(minute)
  })
})
