import { describe, expect, it } from 'vitest'
import { Failure, failures, isAbort, toFailure } from '../../../src/domain/failure.ts'

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

  it('shows the place where it arose, however often more is said about it', () => {
    const first = new Failure('no', { code: 'x', retry: 'soon', reach: 'request' })
    const later = (() => first.during({ gateway: 'plant-a' }).advising('Wait.').reaching('gateway'))()
    expect(later.stack).toBe(first.stack)
    expect(later.reach).toBe('gateway')
  })

  it('is what a bug becomes: it stops the run', () => {
    const bug = new TypeError('x is not a function')
    expect(toFailure(bug)).toMatchObject({ code: 'unexpected', retry: 'never', reach: 'run', cause: bug })
    expect(toFailure('text')).toMatchObject({ message: 'text', reach: 'run' })
    const failure = new Failure('no', { code: 'x', retry: 'soon', reach: 'request' })
    expect(toFailure(failure)).toBe(failure)
  })

  it('is distinguished from stopping by the signal', () => {
    const stop = new AbortController()
    const abortError = new DOMException('aborted', 'AbortError')
    expect(isAbort(abortError, stop.signal)).toBe(false)
    stop.abort(new Error('stopped by SIGTERM'))
    expect(isAbort(stop.signal.reason, stop.signal)).toBe(true)
    expect(isAbort(abortError, stop.signal)).toBe(true)
    expect(isAbort(new Error('disk full'), stop.signal)).toBe(false)
  })
})

describe('an error while closing, after the one that ended the work,', () => {
  const closing = new Error('the disk is full')

  it('does not hide it', async () => {
    const failure = new Failure('full', { code: 'full', retry: 'never', reach: 'run' })
    await expect(
      (async () => {
        await using opened = new AsyncDisposableStack()
        opened.defer(() => Promise.reject(closing))
        throw failure
      })().catch((error: unknown) => toFailure(error)),
    ).resolves.toBe(failure)
  })

  it('does not make a failure of a stop', () => {
    const stop = new AbortController()
    stop.abort()
    expect(isAbort(new SuppressedError(closing, stop.signal.reason), stop.signal)).toBe(true)
    expect(isAbort(new SuppressedError(stop.signal.reason, closing), stop.signal)).toBe(false)
  })
})

describe('a table of failures', () => {
  const fruitFailure = failures({
    sour: { retry: 'later', reach: 'gateway', retryAfterMs: 60_000, meaning: 'It is not ripe.', advice: 'Wait.' },
    rotten: { retry: 'never', reach: 'request', meaning: 'It is too late.', advice: 'Throw it away.' },
  })

  it('gives the decision and the advice of the code', () => {
    const cause = new Error('green')
    const failure = fruitFailure('sour', 'the apple is sour', { cause, work: { gateway: 'plant-a' } })
    expect(failure).toMatchObject({ message: 'the apple is sour', code: 'sour', retry: 'later', reach: 'gateway' })
    expect(failure).toMatchObject({ retryAfterMs: 60_000, advice: 'Wait.', work: { gateway: 'plant-a' }, cause })
  })

  it('lets one failure know better', () => {
    const failure = fruitFailure('sour', 'sour', { retry: 'soon', retryAfterMs: 5_000, advice: 'Add sugar.' })
    expect(failure).toMatchObject({ retry: 'soon', reach: 'gateway', retryAfterMs: 5_000, advice: 'Add sugar.' })
  })

  it('knows its codes again, and no other error', () => {
    expect(fruitFailure.is(fruitFailure('sour', 'sour'), 'sour')).toBe(true)
    expect(fruitFailure.is(fruitFailure('sour', 'sour').during({ gateway: 'a' }), 'rotten', 'sour')).toBe(true)
    expect(fruitFailure.is(fruitFailure('rotten', 'rotten'), 'sour')).toBe(false)
    expect(fruitFailure.is(Object.assign(new Error('sour'), { code: 'sour' }), 'sour')).toBe(false)
  })
})
