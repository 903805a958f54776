import { describe, expect, test, vi } from 'vitest'
import { systemClock } from '../../../src/cli/system-clock.ts'
import { loadConfig } from '../../../src/config/load.ts'
import { Gateway } from '../../../src/smartserver/gateway.ts'
import { failureOf, type Meeting, meetGateway, never, readAll } from '../../support/conforming-gateway.ts'
import { openSite } from '../../support/program.ts'
import type { Answer } from '../../support/small-gateway.ts'

const hour = 3_600_000
const minute = 60_000
const version = { method: 'GET', path: '/iap/version' } as const

const loginsOf = ({ server }: Meeting) => server.calls.filter(call => call === 'POST /iap/auth/login').length

describe('§1 login', () => {
  test('[D] is a POST of username and password as JSON, declared as such', async () => {
    const { gateway, server } = await meetGateway()
    await gateway.hello(never)
    const { method, path, headers, body, cookie } = server.asked[0]!
    expect({ method, path, cookie }).toEqual({ method: 'POST', path: '/iap/auth/login', cookie: undefined })
    expect(headers['content-type']).toMatch(/^application\/json\b/)
    expect(JSON.parse(body)).toEqual({ username: 'etl', password: 'p"wü' })
    expect(Number(headers['content-length'])).toBe(Buffer.byteLength(body))
  })

  test('[D] gives a cookie cmsSID that goes, as it came and without its attributes, on every call and the upgrade', async () => {
    const { gateway, server, upgrades } = await meetGateway()
    await gateway.hello(never)
    await readAll(gateway)
    expect(server.asked.slice(1).map(({ cookie }) => cookie)).toEqual(
      server.asked.slice(1).map(() => 'cmsSID=sid.1/a+b=='),
    )
    expect(upgrades.map(({ headers }) => headers.cookie)).toEqual(['cmsSID=sid.1/a+b=='])
  })

  test('[C] with a wrong password is a 401, and is not tried again', async () => {
    const meeting = await meetGateway({
      answer: ({ path }) => (path === '/iap/auth/login' ? { status: 401 } : undefined),
    })
    expect(await failureOf(meeting.gateway.hello(never))).toMatchObject({ code: 'login-rejected', retry: 'never' })
    await failureOf(readAll(meeting.gateway))
    expect(loginsOf(meeting)).toBe(1)
    expect(meeting.upgrades).toEqual([])
  })

  test('[D] and all else go to /iap/…, the sockets to /iap/ws, and nothing to the pages under /cms', async () => {
    const { gateway, server, upgrades } = await meetGateway({ version: '4.10.038' })
    await gateway.hello(never)
    await readAll(gateway)
    await gateway.close()
    for (const { path } of server.asked) expect(path).toMatch(/^\/iap\//)
    for (const { url } of upgrades) expect(url).toMatch(/^\/iap\/ws\?/)
  })
})

describe('§1 429', () => {
  const tooMany = '{"message":"Too many failed login attempts. Please try again later."}'
  const refusing = (path: string, body: string) => ({
    answer: (asked: { path: string }): Answer | undefined => (asked.path === path ? { status: 429, body } : undefined),
  })

  test('[C] after failed logins means five minutes without a login', async () => {
    const meeting = await meetGateway(refusing('/iap/auth/login', tooMany))
    expect(await failureOf(meeting.gateway.hello(never))).toMatchObject({ retryAfterMs: 5 * minute, reach: 'gateway' })
    meeting.clock.advance(5 * minute - 1)
    await failureOf(meeting.gateway.hello(never))
    expect(loginsOf(meeting)).toBe(1)
    meeting.clock.advance(1)
    await failureOf(meeting.gateway.hello(never))
    expect(loginsOf(meeting)).toBe(2)
  })

  test.each([
    '/iap/auth/login',
    '/iap/version',
    '/iap/devs',
  ])('[C] with another message, here to %s, means two minutes without requests', async path => {
    const { gateway } = await meetGateway(refusing(path, '{"message":"Requests too fast"}'))
    const failure = await failureOf(gateway.call({ method: 'GET', path: path.replace('auth/login', 'x') }, never))
    expect(failure).toMatchObject({ code: 'too-fast', retry: 'later', reach: 'gateway', retryAfterMs: 2 * minute })
  })

  test.each<[string, Answer, number]>([
    ['as long as Retry-After says', { headers: { 'retry-after': '3' } }, 3_000],
    ['two minutes', {}, 2 * minute],
  ])('[C] is waited out, %s, by a command that runs once', async (_, { headers = {} }, waitMs) => {
    for (const path of ['/iap/auth/login', '/iap/version']) {
      let busy = 2
      const waits: number[] = []
      const { gateway, clock } = await meetGateway({
        answer: asked => (asked.path === path && busy-- > 0 ? { status: 429, headers, body: '{}' } : undefined),
        onTooFast: ms => waits.push(ms),
      })
      clock.runFreely()
      const began = clock.now()
      expect(await gateway.hello(never)).toEqual({ release: '3.60.012' })
      expect(waits).toEqual([waitMs, waitMs])
      expect(clock.now() - began).toBeGreaterThanOrEqual(2 * waitMs)
    }
  })

  test('[C] after failed logins is no matter of waiting: a person has to look', async () => {
    const meeting = await meetGateway({ ...refusing('/iap/auth/login', tooMany), onTooFast: () => {} })
    meeting.clock.runFreely()
    const failure = await failureOf(meeting.gateway.hello(never))
    expect(failure).toMatchObject({ code: 'login-locked', advice: expect.stringMatching(/5 minutes/) })
    expect(loginsOf(meeting)).toBe(1)
  })

  test('[C] in place of the upgrade means the same, and is no fault of the request', async () => {
    const { gateway, upgrades } = await meetGateway({ refuse: () => ({ status: 429 }) })
    expect(await failureOf(readAll(gateway))).toMatchObject({
      ...{ code: 'too-fast', retry: 'later', reach: 'gateway', retryAfterMs: 2 * minute },
      work: { gateway: 'g' },
    })
    expect(upgrades).toHaveLength(1)
  })
})

/** The first login is taken once, and has ended then. */
function endedAfterFirst(over: Answer): (asked: { readonly cookie?: string | undefined }) => Answer | undefined {
  let calls = 0
  return ({ cookie }) => (cookie?.includes('sid.1') && calls++ > 0 ? over : undefined)
}

describe('§1 the life of a session', () => {
  test('[D] is a bare number of milliseconds; it is renewed at half of it, [C] the new login before the old logout', async () => {
    const meeting = await meetGateway({ sessionTimeout: '86400000' })
    const { gateway, server, clock, upgrades } = meeting
    await readAll(gateway)
    clock.advance(12 * hour - 1)
    await readAll(gateway)
    expect(loginsOf(meeting)).toBe(1)
    clock.advance(1)
    await readAll(gateway)
    expect(upgrades.map(({ headers }) => headers.cookie?.slice(0, 12))).toEqual([
      'cmsSID=sid.1',
      'cmsSID=sid.1',
      'cmsSID=sid.2',
    ])
    await vi.waitFor(() => expect(server.calls).toContain('PUT /iap/auth/logout'))
    const last = server.asked
      .map(({ method, path, cookie = '' }) => `${method} ${path} ${cookie.slice(0, 12)}`)
      .slice(2)
    expect(last).toEqual([
      'POST /iap/auth/login ',
      'GET /iap/auth/sessionTimeout cmsSID=sid.2',
      'PUT /iap/auth/logout cmsSID=sid.1',
    ])
  })

  test.each([404, 405, 500])('[D] ends with PUT logout; [C] where that is answered %i, with POST', async status => {
    const { gateway, server } = await meetGateway({
      answer: ({ method, path }) => (method === 'PUT' && path === '/iap/auth/logout' ? { status } : undefined),
    })
    await gateway.hello(never)
    await gateway.close()
    const [put, post] = server.asked.slice(-2)
    expect([put?.method, post?.method]).toEqual(['PUT', 'POST'])
    expect([put?.path, post?.path]).toEqual(['/iap/auth/logout', '/iap/auth/logout'])
    expect([put?.cookie, post?.cookie]).toEqual(['cmsSID=sid.1/a+b==', 'cmsSID=sid.1/a+b=='])
    expect(put?.body).toBe('')
  })

  test.each<[string, Answer]>([
    ['[C] 401', { status: 401 }],
    ['[C] a redirect to /cms', { status: 302, headers: { location: '/cms' } }],
    ['[C] a redirect to /user/login.html', { status: 302, headers: { location: '/user/login.html' } }],
    ['[I] the login page', { headers: { 'content-type': 'text/html;charset=utf-8' }, body: '<!doctype html>' }],
  ])('is over when REST answers %s: a new login, the same call once more, and no redirect is followed', async (_, over) => {
    const meeting = await meetGateway({ answer: endedAfterFirst(over) })
    expect(await meeting.gateway.hello(never)).toEqual({ release: '3.60.012' })
    expect(meeting.server.calls).toEqual([
      ...['POST /iap/auth/login', 'GET /iap/auth/sessionTimeout', 'GET /iap/version'],
      ...['GET /iap/auth/sessionTimeout', 'GET /iap/users/current'],
      ...['POST /iap/auth/login', 'GET /iap/auth/sessionTimeout', 'GET /iap/version'],
    ])
  })

  const loginPage = { status: 200, headers: { 'content-type': 'text/html' }, body: '<!doctype html>' }
  test.each<[string, Answer]>([
    ['[?] 401', { status: 401 }],
    ['[?] 403', { status: 403 }],
    ['[?] a redirect', { status: 302, headers: { location: '/cms' } }],
    ['[I] the login page', loginPage],
  ])('is over when an upgrade is answered %s: the same query once more, with a new login', async (_, refusal) => {
    const meeting = await meetGateway({
      answer: endedAfterFirst({ status: 401 }),
      refuse: ({ headers }) => (headers.cookie?.includes('sid.1') ? refusal : undefined),
    })
    expect(await readAll(meeting.gateway)).toEqual([])
    const [first, second, ...others] = meeting.upgrades
    expect([second?.url, second?.headers.cookie, others]).toEqual([first?.url, 'cmsSID=sid.2/a+b==', []])
    expect(meeting.server.calls).not.toContain('GET /cms')
  })

  test('[C] is not hammered with logins: neither by a page in place of the time, nor by sockets that are refused', async () => {
    const meeting = await meetGateway({
      version: '4.10.038',
      answer: ({ path }) =>
        path === '/iap/cms/info/time' ? loginPage : path === '/iap/storage' ? { status: 403 } : undefined,
      refuse: () => ({ status: 403 }),
    })
    const { gateway, clock, logins } = meeting
    for (let i = 0; i < 10; i++) {
      expect(await gateway.hello(never)).toEqual({ release: '4.10.038' })
      expect((await gateway.call({ method: 'GET', path: '/iap/storage' }, never)).status).toBe(403)
      expect(await failureOf(readAll(gateway))).toMatchObject({ code: 'upgrade-not-logged-in', reach: 'gateway' })
      clock.advance(30_000)
    }
    expect(loginsOf(meeting)).toBe(1)
    expect(logins.size).toBe(1)
  })
})

describe('§1 release and time', () => {
  test('[C] the release is the "value" of /iap/version', async () => {
    const { gateway } = await meetGateway({ version: '3.20.121' })
    expect(await gateway.hello(never)).toEqual({ release: '3.20.121' })
  })

  test('[C] /iap/cms/info/time is read from 4.1 on, with its offset and in whatever zone', async () => {
    const { gateway, clock, server } = await meetGateway({
      version: '4.10.038',
      answer: ({ path }) =>
        path === '/iap/cms/info/time'
          ? { body: '{"value":"2025-12-31T16:10:00.250-08:00[America/Los_Angeles]"}' }
          : undefined,
    })
    await gateway.hello(never)
    expect(server.calls).toContain('GET /iap/cms/info/time')
    expect(gateway.clock.now() - clock.now()).toBe(10 * minute + 250)
  })

  test('[C] and never asked for before', async () => {
    const { gateway, server } = await meetGateway({ version: '4.00.011' })
    await gateway.hello(never)
    expect(server.calls).not.toContain('GET /iap/cms/info/time')
  })
})

describe('§1 address and certificate', () => {
  test.each([
    ['443, the default of 2.8 and later', 'https://127.0.0.77', 443],
    ['8443, up to 2.7', 'https://127.0.0.77:8443', 8443],
  ])('[D] REST goes to port %s', async (_, url, port) => {
    const failure = await failureOf(gatewayAt(url).call(version, never))
    expect(failure.code).toBe('gateway-unreachable')
    expect(failure.cause).toMatchObject({ address: '127.0.0.77', port })
  })

  test('[D] the WebSocket goes to the same host and port as REST', async () => {
    const { gateway, server, upgrades } = await meetGateway()
    await readAll(gateway)
    const host = new URL(server.url).host
    expect([server.asked[0]?.headers.host, upgrades[0]?.headers.host]).toEqual([host, host])
    expect(host).toMatch(/:\d+$/)
  })

  test('[D] both forms of the address can be configured', async () => {
    const gateways = Object.fromEntries(
      ['https://gateway', 'https://gateway:8443'].map((url, i) => [
        `g${i}`,
        { url, username: 'u', password: 'p', datapoints: ['*/*/*/*'] },
      ]),
    )
    const site = await openSite({ gateways })
    expect(loadConfig(site.file, {}).gateways.map(({ url }) => url)).toEqual([
      'https://gateway',
      'https://gateway:8443',
    ])
    await site.remove()
  })

  test.each<[string, NonNullable<Parameters<typeof meetGateway>[0]>['trust']]>([
    ['is pinned by its fingerprint', ({ fingerprint256 }) => ({ kind: 'fingerprint', fingerprint256 })],
    ['is its own authority', ({ certificatePem }) => ({ kind: 'authority', ca: certificatePem })],
    ['is not looked at', () => ({ kind: 'none' })],
  ])('[D] a self-signed certificate, as from the factory, serves calls and sockets where it %s', async (_, trust) => {
    const { gateway, upgrades } = await meetGateway({ trust: trust! })
    await gateway.hello(never)
    expect(await readAll(gateway)).toEqual([])
    expect(upgrades).toHaveLength(1)
  })

  test('[D] and is sent nothing, above all no password, where it is not configured as trusted', async () => {
    const { gateway, server } = await meetGateway({ trust: () => ({ kind: 'system' }) })
    expect(await failureOf(gateway.hello(never))).toMatchObject({ code: 'untrusted-certificate', retry: 'never' })
    expect(server.seen).toMatchObject({ bytes: 0 })
  })
})

function gatewayAt(url: string): Gateway {
  const tls = { kind: 'none' } as const
  return new Gateway({ name: 'g', url, username: 'u', password: 'p', tls, idleTimeout: 1_000, clock: systemClock })
}

describe('a data-log socket that was refused although the login lives', () => {
  test('is not blamed any more once one has been served: a login that ends later is made anew', async () => {
    let isSick = true
    const meeting = await meetGateway({ refuse: () => (isSick ? { status: 403 } : undefined) })
    expect((await failureOf(readAll(meeting.gateway))).code).toBe('upgrade-not-logged-in')
    isSick = false
    await readAll(meeting.gateway)
    meeting.logins.clear()
    const before = loginsOf(meeting)
    await readAll(meeting.gateway)
    expect(loginsOf(meeting)).toBe(before + 1)
  })
})
