import { inspect } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Failure } from '../../../src/domain/failure.ts'
import { Session } from '../../../src/smartserver/session.ts'
import { createAgent } from '../../../src/smartserver/trust.ts'
import { freePort } from '../../support/free-port.ts'
import { type Answer, type Asked, startSmallGateway } from '../../support/small-gateway.ts'
import { steeredClock } from '../../support/steered-clock.ts'

const password = 'hunter2-very-secret'
const hour = 3_600_000
const signal = new AbortController().signal

/** A gateway with logins: each one gets the next cookie; `valid` are those it honours. */
async function startGateway(
  script: {
    readonly login?: () => Answer | Promise<Answer | undefined> | undefined
    readonly lifeMs?: string
    readonly answer?: (asked: Asked) => Answer | Promise<Answer> | undefined
  } = {},
) {
  const valid = new Set<string>()
  let logins = 0
  const gateway = await startSmallGateway({
    answer: async asked => {
      const { path, cookie = '', method } = asked
      if (path === '/iap/auth/login') {
        const refusal = await script.login?.()
        if (refusal !== undefined) return refusal
        const made = `cmsSID=sid${++logins}`
        valid.add(made)
        return {
          headers: { 'set-cookie': ['theme=dark; Path=/', `${made}; Path=/; Secure; HttpOnly`] },
          body: '{"id":1}',
        }
      }
      const scripted = await script.answer?.(asked)
      if (scripted !== undefined) return scripted
      if (!valid.has(cookie)) return { status: 401 }
      if (path === '/iap/auth/sessionTimeout') return { body: script.lifeMs ?? String(24 * hour) }
      if (path === '/iap/auth/logout' && method === 'PUT') valid.delete(cookie)
      return { body: '{}' }
    },
  })
  const clock = steeredClock()
  const dates: string[] = []
  const agent = createAgent({ kind: 'authority', ca: gateway.certificatePem })
  const session = new Session({
    url: gateway.url,
    username: 'etl',
    password,
    agent,
    clock,
    lookAtClock: () => ({ date: date => void dates.push(date), time: () => {} }),
  })
  onTestFinished(() => agent.destroy())
  return { gateway, session, clock, valid, dates }
}

async function failureOf(work: Promise<unknown>): Promise<Failure> {
  const error = await work.then(
    () => undefined,
    error => error,
  )
  expect(error).toBeInstanceOf(Failure)
  expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(password)
  return error as Failure
}

/** Resolves when the server has been asked it: a logout is sent without waiting for it. */
async function untilAsked(gateway: { readonly calls: readonly string[] }, call: string): Promise<void> {
  await expect.poll(() => gateway.calls).toContain(call)
}

const logins = (gateway: { readonly calls: readonly string[] }) =>
  gateway.calls.filter(call => call === 'POST /iap/auth/login').length

describe('the session with a gateway', () => {
  it('logs in at first need, and sends the cookie from then on', async () => {
    const { gateway, session, dates } = await startGateway()
    expect(gateway.calls).toEqual([])
    const lease = await session.lease(signal)
    expect(lease.cookie).toBe('cmsSID=sid1')
    expect(JSON.parse(gateway.asked[0]!.body)).toEqual({ username: 'etl', password })
    const { status } = await session.call({ method: 'GET', path: '/iap/devs' }, signal)
    expect(status).toBe(200)
    expect(gateway.calls).toEqual(['POST /iap/auth/login', 'GET /iap/auth/sessionTimeout', 'GET /iap/devs'])
    expect(gateway.asked.map(({ cookie }) => cookie)).toEqual([undefined, 'cmsSID=sid1', 'cmsSID=sid1'])
    expect(dates.every(date => !Number.isNaN(Date.parse(date))) && dates.length === 3).toBe(true)
  })

  it('is one for all who ask at the same time', async () => {
    const { gateway, session } = await startGateway()
    const leases = await Promise.all(Array.from({ length: 8 }, () => session.lease(signal)))
    expect(new Set(leases.map(({ cookie }) => cookie))).toEqual(new Set(['cmsSID=sid1']))
    expect(logins(gateway)).toBe(1)
  })

  it('is renewed at half its life: the new login before the old logout', async () => {
    const { gateway, session, clock, valid } = await startGateway({ lifeMs: String(2 * hour) })
    const first = await session.lease(signal)
    first.release()
    clock.advance(hour - 1)
    ;(await session.lease(signal)).release()
    expect(logins(gateway)).toBe(1)
    clock.advance(1)
    expect((await session.lease(signal)).cookie).toBe('cmsSID=sid2')
    await untilAsked(gateway, 'PUT /iap/auth/logout')
    expect(gateway.asked.at(-1)!.cookie).toBe('cmsSID=sid1')
    expect(gateway.calls.lastIndexOf('POST /iap/auth/login')).toBeLessThan(
      gateway.calls.indexOf('PUT /iap/auth/logout'),
    )
    expect([...valid]).toEqual(['cmsSID=sid2'])
  })

  it.each<[string, Answer | undefined, boolean[]]>([
    ['has ended is renewed', { status: 401 }, [true, true, true]],
    ['lives is kept', undefined, [false, false, false]],
    ['is not known, because the gateway is busy, is renewed once in ten minutes', { status: 503 }, [true, false, true]],
  ])('that was refused with 503 and %s', async (_, probe, renewed) => {
    let isAsked = false
    const { session, clock } = await startGateway({ answer: () => (isAsked ? probe : undefined) })
    const results: boolean[] = []
    for (const waitMs of [0, 300_000, 300_000]) {
      clock.advance(waitMs)
      isAsked = false
      const lease = await session.lease(signal)
      isAsked = true
      results.push(await session.mayHaveEnded(lease.cookie, signal))
      lease.release()
    }
    expect(results).toEqual(renewed)
  })

  it('does not log an old login out while someone still uses it', async () => {
    const { gateway, session, clock, valid } = await startGateway({ lifeMs: String(2 * hour) })
    const [one, other] = [await session.lease(signal), await session.lease(signal)]
    clock.advance(hour)
    const renewed = await session.lease(signal)
    one.release()
    // given back twice counts once
    one.release()
    await session.call({ method: 'GET', path: '/iap/devs' }, signal)
    expect(gateway.calls).not.toContain('PUT /iap/auth/logout')
    expect(valid.has(other.cookie)).toBe(true)
    other.release()
    await untilAsked(gateway, 'PUT /iap/auth/logout')
    expect(gateway.asked.at(-1)!.cookie).toBe('cmsSID=sid1')
    renewed.release()
    expect([...valid]).toEqual(['cmsSID=sid2'])
  })

  it.each([
    '',
    'never',
    '0',
    '-1',
    '86400',
    '599999',
    '{"value":1}',
  ])('whose life the gateway gives as %j is taken to last a day', async lifeMs => {
    const { gateway, session, clock } = await startGateway({ lifeMs })
    await session.lease(signal)
    clock.advance(12 * hour - 1)
    await session.lease(signal)
    expect(logins(gateway)).toBe(1)
    clock.advance(1)
    await session.lease(signal)
    expect(logins(gateway)).toBe(2)
  })

  it.each<[string, Answer]>([
    ['401', { status: 401 }],
    ['a redirect to the login page', { status: 302, headers: { location: '/cms' } }],
    ['the login page itself', { headers: { 'content-type': 'text/html' }, body: '<html>' }],
    ['that page without saying so', { body: '<!doctype html><html>' }],
  ])('that has ended (%s) is made anew; a path that refuses a living one is to blame', async (_, loggedOut) => {
    let isRefused = false
    const { gateway, session, valid } = await startGateway({
      answer: ({ path, cookie = '' }) =>
        path === '/iap/devs' && (isRefused || !valid.has(cookie)) ? loggedOut : undefined,
    })
    await session.lease(signal)
    valid.clear()
    expect((await session.call({ method: 'GET', path: '/iap/devs' }, signal)).status).toBe(200)
    expect(gateway.asked.filter(({ path }) => path === '/iap/devs').map(({ cookie }) => cookie)).toEqual([
      'cmsSID=sid1',
      'cmsSID=sid2',
    ])
    isRefused = true
    const failure = await failureOf(session.call({ method: 'GET', path: '/iap/devs' }, signal))
    expect(failure).toMatchObject({ code: 'rest-not-logged-in', retry: 'later', reach: 'gateway' })
    expect(logins(gateway)).toBe(2)
  })

  it.each([403, 404])('leaves %i, as any other status, to the caller', async status => {
    const { gateway, session } = await startGateway({
      answer: ({ path }) => (path === '/iap/devs' ? { status, body: 'no' } : undefined),
    })
    expect(await session.call({ method: 'GET', path: '/iap/devs' }, signal)).toMatchObject({ status, body: 'no' })
    expect(logins(gateway)).toBe(1)
  })

  describe('where one path always looks logged out', () => {
    const odd = { method: 'GET', path: '/iap/storage?x=1' } as const
    const good = { method: 'GET', path: '/iap/devs' } as const
    const page = { headers: { 'content-type': 'text/html' }, body: '<html>' }
    const startOdd = () => startGateway({ answer: ({ path }) => (path.startsWith('/iap/storage') ? page : undefined) })

    it('fails that call alone, and costs a login each half hour at most', async () => {
      const { gateway, session, clock, valid } = await startOdd()
      for (let i = 0; i < 200; i++) {
        expect(await failureOf(session.call(odd, signal))).toMatchObject({ code: 'rest-not-logged-in', retry: 'later' })
        expect((await session.call(good, signal)).status).toBe(200)
        clock.advance(30_000)
      }
      // 100 minutes
      expect(logins(gateway)).toBe(4)
      // those before it do not stay behind
      await expect.poll(() => [...valid]).toEqual(['cmsSID=sid4'])
    })

    it('is well again when the gateway takes a new login there', async () => {
      const { gateway, session, clock } = await startGateway({
        answer: ({ path, cookie }) => (path === '/iap/devs' && cookie === 'cmsSID=sid1' ? { status: 401 } : undefined),
      })
      await failureOf(session.call(good, signal))
      clock.advance(hour / 2)
      expect((await session.call(good, signal)).status).toBe(200)
      expect(logins(gateway)).toBe(2)
    })

    it('makes no login for the next such path', async () => {
      const { gateway, session } = await startGateway({
        answer: ({ path }) => (path.startsWith('/iap/devs/') ? { status: 401 } : undefined),
      })
      for (let i = 0; i < 20; i++) await failureOf(session.call({ method: 'GET', path: `/iap/devs/${i}` }, signal))
      expect(logins(gateway)).toBe(1)
    })

    it('still sees there that a login has ended, some time later', async () => {
      const { gateway, session, clock, valid } = await startOdd()
      await failureOf(session.call(odd, signal))
      valid.clear()
      await failureOf(session.call(odd, signal))
      expect(logins(gateway)).toBe(1)
      clock.advance(hour)
      await failureOf(session.call(odd, signal))
      expect(logins(gateway)).toBe(2)
      expect((await session.call(good, signal)).status).toBe(200)
      expect(logins(gateway)).toBe(2)
    })
  })

  it('is made anew at once each time the gateway has restarted', async () => {
    const { gateway, session, clock, valid } = await startGateway()
    for (let restart = 1; restart <= 5; restart++) {
      expect((await session.call({ method: 'GET', path: '/iap/devs' }, signal)).status).toBe(200)
      expect(logins(gateway)).toBe(restart)
      valid.clear()
      clock.advance(10_000)
    }
  })

  it('is made every two minutes at most with a gateway that forgets each one at once', async () => {
    const { gateway, session, clock } = await startGateway({
      answer: ({ path }) => (path === '/iap/auth/login' ? undefined : { status: 401 }),
    })
    for (let i = 0; i < 60; i++) {
      const failure = await failureOf(session.call({ method: 'GET', path: '/iap/devs' }, signal))
      expect(failure).toMatchObject({ code: 'login-not-honoured', retry: 'later', reach: 'gateway' })
      expect(failure.retryAfterMs).toBeGreaterThan(0)
      clock.advance(10_000)
    }
    expect(logins(gateway)).toBeLessThanOrEqual(6)
  })

  it('does not try a rejected password again within half an hour: that would lock the account', async () => {
    let wrong = true
    const { gateway, session, clock } = await startGateway({ login: () => (wrong ? { status: 401 } : undefined) })
    const failure = await failureOf(session.lease(signal))
    expect(failure).toMatchObject({ code: 'login-rejected', retry: 'never', reach: 'gateway' })
    expect(failure.message).toContain('etl')
    expect(failure.advice).toMatch(/each command/)
    wrong = false
    clock.advance(30 * 60_000 - 1)
    expect((await failureOf(session.lease(signal))).code).toBe('login-rejected')
    await failureOf(session.call({ method: 'GET', path: '/iap/devs' }, signal))
    expect(logins(gateway)).toBe(1)
    clock.advance(1)
    expect((await session.lease(signal)).cookie).toBe('cmsSID=sid1')
  })

  it.each([
    ['login-locked', '{"message":"Too many failed login attempts. Try again later."}', 5 * 60_000],
    ['too-fast', '{"message":"Too many requests"}', 2 * 60_000],
  ])('waits after a 429 (%s) as long as the vendor’s own client', async (code, body, waitMs) => {
    let busy = true
    const { gateway, session, clock } = await startGateway({
      login: () => (busy ? { status: 429, body } : undefined),
    })
    expect(await failureOf(session.lease(signal))).toMatchObject({
      code,
      retry: 'later',
      reach: 'gateway',
      retryAfterMs: waitMs,
    })
    busy = false
    clock.advance(waitMs - 1)
    expect(await failureOf(session.lease(signal))).toMatchObject({ code, retryAfterMs: 1 })
    expect(logins(gateway)).toBe(1)
    clock.advance(1)
    await session.lease(signal)
    expect(logins(gateway)).toBe(2)
  })

  it.each<[string, string, Answer]>([
    ['login-failed', 'soon', { status: 503 }],
    ['login-failed', 'later', { status: 404 }],
    ['no-cookie', 'later', { status: 200, body: '{}' }],
    ['no-cookie', 'later', { status: 200, headers: { 'set-cookie': ['JSESSIONID=x'] } }],
  ])('fails as a whole (%s, %s) where the login is answered otherwise', async (code, retry, answer) => {
    const { session } = await startGateway({ login: () => answer })
    expect(await failureOf(session.lease(signal))).toMatchObject({ code, retry, reach: 'gateway' })
  })

  it('fails without a secret where nothing listens', async () => {
    const agent = createAgent({ kind: 'none' })
    const session = new Session({
      url: `https://127.0.0.1:${await freePort()}`,
      username: 'etl',
      password,
      agent,
      clock: steeredClock(),
      lookAtClock: () => ({ date: () => {}, time: () => {} }),
    })
    expect(await failureOf(session.lease(signal))).toMatchObject({ code: 'gateway-unreachable', reach: 'gateway' })
    agent.destroy()
  })

  it('stops at once, and not as a failure, at the signal', async () => {
    const stop = new AbortController()
    const { session } = await startGateway({
      login: () => {
        stop.abort(new Error('stopped'))
        return new Promise<Answer>(() => {})
      },
    })
    const error = await session.lease(stop.signal).catch(error => error)
    expect(error).toBe(stop.signal.reason)
  })

  it('goes on for all others who wait for it when the first request is stopped', async () => {
    const answered = Promise.withResolvers<undefined>()
    const stop = new AbortController()
    const { gateway, session } = await startGateway({ login: () => answered.promise })
    const first = session.lease(stop.signal).catch(error => error)
    const second = session.lease(signal)
    await untilAsked(gateway, 'POST /iap/auth/login')
    stop.abort(new Error('stopped'))
    expect(await first).toBe(stop.signal.reason)
    answered.resolve(undefined)
    expect((await second).cookie).toBe('cmsSID=sid1')
    expect(logins(gateway)).toBe(1)
  })

  it('closes also while a login is under way, and leaves none behind', async () => {
    const { gateway, session, valid } = await startGateway({
      answer: ({ path }) => (path === '/iap/auth/sessionTimeout' ? new Promise<Answer>(() => {}) : undefined),
    })
    const waiting = failureOf(session.lease(signal))
    await untilAsked(gateway, 'GET /iap/auth/sessionTimeout')
    await session.close()
    expect([...valid]).toEqual([])
    expect((await waiting).code).toBe('session-closed')
  })

  it('logs out when it is closed, with POST where the gateway knows no PUT', async () => {
    const { gateway, session } = await startGateway({
      answer: ({ path, method }) => (path === '/iap/auth/logout' && method === 'PUT' ? { status: 405 } : undefined),
    })
    await session.lease(signal)
    await session.close()
    expect(gateway.calls.slice(-2)).toEqual(['PUT /iap/auth/logout', 'POST /iap/auth/logout'])
    await session.close()
    expect(gateway.calls.filter(call => call.endsWith('logout'))).toHaveLength(2)
  })
})
