import { describe, expect, it } from 'vitest'
import { Failure, isAbort, toFailure } from '../../../src/domain/failure.ts'

describe('a failure', () => {
  it('keeps its decision when more is said about the work', () => {
    const cause = new Error('ECONNRESET')
    const first = new Failure('the connection broke', {
      code: 'connection-broken',
      retry: 'soon',
      reach: 'request',
      retryAfterMs: 3_000,
      advice: 'Wait.',
      work: { entries: 12 },
      cause,
    })
    const range = { after: 1, until: 2 }
    const more = first.during({ gateway: 'plant-a', range, entries: 0 })
    expect(more).toBeInstanceOf(Failure)
    const { message, code, retry, reach, retryAfterMs, advice } = more
    expect({ message, code, retry, reach, retryAfterMs, advice }).toEqual({
      message: 'the connection broke',
      code: 'connection-broken',
      retry: 'soon',
      reach: 'request',
      retryAfterMs: 3_000,
      advice: 'Wait.',
    })
    expect(more.cause).toBe(cause)
    // who was closer to the work knew better
    expect(more.work).toEqual({ gateway: 'plant-a', range, entries: 12 })
    expect(first.work).toEqual({ entries: 12 })
  })

  it('stays without what it did not have', () => {
    const failure = new Failure('no', { code: 'x', retry: 'never', reach: 'run' }).during({ gateway: 'plant-a' })
    expect(failure.retryAfterMs).toBeUndefined()
    expect(failure.advice).toBeUndefined()
    expect('cause' in failure).toBe(false)
  })

  it('is what a bug becomes: it stops the run', () => {
    const bug = new TypeError('x is not a function')
    expect(toFailure(bug)).toMatchObject({ code: 'unexpected', retry: 'never', reach: 'run', cause: bug })
    expect(toFailure('text')).toMatchObject({ message: 'text', reach: 'run' })
    const failure = new Failure('no', { code: 'x', retry: 'soon', reach: 'request' })
    expect(toFailure(failure)).toBe(failure)
  })

  it('is told from stopping by the signal', () => {
    const stop = new AbortController()
    const abortError = new DOMException('aborted', 'AbortError')
    expect(isAbort(abortError, stop.signal)).toBe(false)
    stop.abort(new Error('stopped by SIGTERM'))
    expect(isAbort(stop.signal.reason, stop.signal)).toBe(true)
    expect(isAbort(abortError, stop.signal)).toBe(true)
    expect(isAbort(new Error('disk full'), stop.signal)).toBe(false)
  })
})
