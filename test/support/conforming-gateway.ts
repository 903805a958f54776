import type { IncomingHttpHeaders } from 'node:http'
import { expect, onTestFinished } from 'vitest'
import type { WebSocket } from 'ws'
import type { TlsTrust } from '../../src/config/config.ts'
import type { Selector } from '../../src/domain/datapoint.ts'
import { Failure } from '../../src/domain/failure.ts'
import type { TimeRange } from '../../src/domain/range.ts'
import { Gateway } from '../../src/smartserver/gateway.ts'
import { type Answer, type Asked, type SmallGateway, startSmallGateway } from './small-gateway.ts'
import { type SteeredClock, steeredClock } from './steered-clock.ts'

/** What a conforming gateway says instead of its usual words. */
export interface Script {
  readonly version?: string
  readonly sessionTimeout?: string
  /** Ahead of the usual answers; undefined: the usual one. */
  readonly answer?: (asked: Asked) => Answer | undefined
  /** In place of an upgrade; undefined: it is granted to a login that is known. */
  readonly refuse?: (upgrade: Upgrade) => Answer | undefined
  /** What a data-log socket brings; by default nothing but the end. */
  readonly log?: (socket: WebSocket, upgrade: Upgrade) => void
  /** What the general-purpose socket brings. */
  readonly general?: (socket: WebSocket, upgrade: Upgrade) => void
  readonly trust?: (server: SmallGateway) => TlsTrust
  /** Given: the client is one of a command that runs once. */
  readonly onTooFast?: (waitMs: number) => void
}

export interface Upgrade {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
}

/** The program's client before a scripted gateway that keeps to protocol §1, and all that went over the wire. */
export interface Meeting {
  readonly gateway: Gateway
  readonly server: SmallGateway
  readonly clock: SteeredClock
  readonly upgrades: readonly Upgrade[]
  /** Messages that the client has sent on sockets: there should be none. */
  readonly said: readonly string[]
  /** Cookies of the logins that are valid now; a test may end them. */
  readonly logins: Set<string>
}

export const never = new AbortController().signal
export const range: TimeRange = {
  after: Date.parse('2022-04-11T07:00:00Z'),
  until: Date.parse('2022-04-12T07:00:00Z'),
}

export async function meetGateway(script: Script = {}): Promise<Meeting> {
  const logins = new Set<string>()
  const upgrades: Upgrade[] = []
  const said: string[] = []
  let made = 0
  const usual = ({ path, method, cookie = '' }: Asked): Answer => {
    if (path === '/iap/auth/login') {
      const sid = `cmsSID=sid.${++made}/a+b==`
      logins.add(sid)
      return { headers: { 'set-cookie': [`${sid}; Path=/; Secure; HttpOnly`] }, body: '{"id":7,"userName":"etl"}' }
    }
    if (!logins.has(cookie)) return { status: 401 }
    if (path === '/iap/auth/sessionTimeout') return { body: script.sessionTimeout ?? '86400000' }
    if (path === '/iap/auth/logout') {
      if (method === 'PUT') logins.delete(cookie)
      return { body: '{}' }
    }
    if (path === '/iap/version') return { body: `{"type":"smartserver","value":"${script.version ?? '3.60.012'}"}` }
    return { status: 404 }
  }
  const server = await startSmallGateway({
    answer: asked => script.answer?.(asked) ?? usual(asked),
    refuse: ({ method = '', url = '', headers }) => {
      const upgrade = { method, url, headers }
      upgrades.push(upgrade)
      return script.refuse?.(upgrade) ?? (logins.has(headers.cookie ?? '') ? undefined : { status: 401 })
    },
    onSocket: socket => {
      const upgrade = upgrades.at(-1)!
      socket.on('message', data => said.push(String(data)))
      if (!upgrade.url.includes('?')) script.general?.(socket, upgrade)
      else if (script.log !== undefined) script.log(socket, upgrade)
      else answerWith()(socket)
    },
  })
  const clock = steeredClock(Date.parse('2026-01-01T00:00:00Z'))
  const gateway = new Gateway({
    name: 'g',
    url: server.url,
    username: 'etl',
    password: 'p"w\u00fc',
    tls: script.trust?.(server) ?? { kind: 'fingerprint', fingerprint256: server.fingerprint256 },
    idleTimeout: 5_000,
    clock,
    ...(script.onTooFast && { onTooFast: script.onTooFast }),
  })
  onTestFinished(() => gateway.close())
  return { gateway, server, clock, upgrades, said, logins }
}

/** Frames, `"end"`, and the close that a gateway makes by itself. */
export function answerWith(...frames: readonly string[]) {
  return (socket: WebSocket): void => {
    for (const frame of frames) socket.send(frame)
    socket.send('"end"')
    socket.close(1000)
  }
}

/** Everything that a data-log request brings. */
export async function readAll(
  gateway: Gateway,
  asked: { readonly selectors?: readonly [Selector, ...Selector[]]; readonly range?: TimeRange } = {},
): Promise<string[]> {
  const frames: string[] = []
  const request = { gateway: 'g', selectors: asked.selectors ?? [{}], range: asked.range ?? range } as const
  for await (const batch of gateway.readDataLog(request, never)) frames.push(...batch)
  return frames
}

export async function failureOf(work: Promise<unknown>): Promise<Failure> {
  const error = await work.then(
    () => undefined,
    reason => reason,
  )
  expect(error).toBeInstanceOf(Failure)
  return error as Failure
}
