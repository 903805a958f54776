import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Dice } from './dice.ts'
import type { FaultSettings } from './faults.ts'
import type { Release } from './releases.ts'
import { retryAfter } from './retry-after.ts'
import type { Script } from './script.ts'
import { readSessionId, type Session, type Sessions } from './sessions.ts'
import type { Stats } from './stats.ts'

/** A REST call after its session was found. */
export interface RestCall {
  readonly method: string
  /** Path without query, still percent-encoded. */
  readonly path: string
  readonly query: URLSearchParams
  readonly body: unknown
  readonly session: Session
}

/** Status, body and headers of an answer; an undefined body sends none, a string is sent as it is. */
export interface RestAnswer {
  readonly status: number
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
}

export interface RestParts {
  readonly release: Release
  readonly sessions: Sessions
  readonly sessionTimeoutMs: number
  readonly stats: Stats
  readonly now: () => number
  /** What the Date header says, ms UTC. */
  readonly headerTime: () => number
  readonly cookies: 'once' | 'twice'
  readonly script: Script
  /** Chance of slow answers. */
  readonly slowness: Dice
  readonly faults: () => FaultSettings
  /** What a request without a living session gets: the status, the redirect of proxied paths, or the login page as HTML (protocol §1). */
  readonly expiredAnswer: '401' | '503' | 'redirect' | 'html'
  /** Most requests a second, of all clients; 0 = unlimited. */
  readonly requestsPerSecond: number
  readonly dice: Dice
  /** Answers everything behind the login; undefined = no such path. */
  route(call: RestCall): RestAnswer | Promise<RestAnswer> | undefined
}

const bodyLimit = 1024 * 1024

/** Answers one HTTP request: login and version freely, all other `/iap/` paths with a session only (protocol §1). */
export async function answerRest(request: IncomingMessage, response: ServerResponse, parts: RestParts): Promise<void> {
  parts.stats.requests += 1
  parts.script.look({ kind: 'anything' })
  const body = await readBody(request)
  const answer = body === undefined ? problem(413, 'Request too large') : await decide(request, body, parts)
  const { slowRestMs, dripMs } = parts.faults()
  const [slow, drips] = [parts.slowness.strikes('slowRest'), parts.slowness.strikes('restDrip')]
  if (slow) await sleep(slowRestMs)
  // The Date header shows the gateway's clock, which may be wrong, not this machine's.
  response.setHeader('Date', new Date(parts.headerTime()).toUTCString())
  const later = answer.status === 503 || answer.status === 429 ? retryAfter(parts.faults(), parts.now()) : undefined
  if (later !== undefined) response.setHeader('Retry-After', later)
  for (const [name, value] of Object.entries(answer.headers ?? {})) response.setHeader(name, value)
  response.statusCode = answer.status
  if (answer.body === undefined) {
    response.end()
    return
  }
  const isText = typeof answer.body === 'string'
  const text = isText ? (answer.body as string) : JSON.stringify(answer.body)
  const type = isText ? (text.startsWith('<') ? 'text/html' : 'text/plain') : 'application/json'
  response.setHeader('Content-Type', `${type};charset=utf-8`)
  if (drips) await drip(response, text, dripMs)
  response.end(drips ? undefined : text)
}

async function drip(response: ServerResponse, text: string, dripMs: number): Promise<void> {
  const bytes = Buffer.from(text)
  for (let i = 0; i < bytes.length && !response.destroyed; i++) {
    response.write(bytes.subarray(i, i + 1))
    await sleep(dripMs)
  }
}

function decide(request: IncomingMessage, body: string, parts: RestParts): RestAnswer | Promise<RestAnswer> {
  const url = request.url ?? '/'
  const at = url.indexOf('?')
  const path = at < 0 ? url : url.slice(0, at)
  const method = request.method ?? 'GET'
  if (isTooFast(parts)) return problem(429, 'Requests too fast')
  if (path === '/iap/auth/login') {
    if (method !== 'POST') return problem(405, 'Method not allowed')
    return login(request.headers['content-type'], parseJson(body), parts)
  }
  if (path === '/iap/version' && method === 'GET') {
    return { status: 200, body: { type: 'SmartServer IoT', value: parts.release.version } }
  }
  if (!path.startsWith('/iap/')) return problem(404, `Not found: ${path}`)
  const session = parts.sessions.find(readSessionId(request.headers.cookie))
  if (session === undefined) return refuse(parts)
  // The wiki says PUT, all vendor code says POST (protocol §1).
  if (path === '/iap/auth/logout' && (method === 'PUT' || method === 'POST')) {
    parts.sessions.logout(session.id)
    parts.stats.logouts += 1
    return { status: 204, headers: { 'Set-Cookie': 'cmsSID=; Path=/; Max-Age=0' } }
  }
  if (path === '/iap/auth/sessionTimeout' && method === 'GET') return { status: 200, body: parts.sessionTimeoutMs }
  if (path === '/iap/users/current' && method === 'GET') return { status: 200, body: describeUser(session.username) }
  if (parts.dice.strikes('restError')) return problem(503, 'Service unavailable')
  const query = new URLSearchParams(at < 0 ? '' : url.slice(at + 1))
  return (
    parts.route({ method, path, query, body: parseJson(body) ?? body.trim(), session }) ??
    problem(404, `Not found: ${path}`)
  )
}

function refuse(parts: RestParts): RestAnswer {
  if (parts.expiredAnswer === '503') return problem(503, 'Service unavailable')
  if (parts.expiredAnswer === 'redirect') return { status: 302, headers: { Location: '/cms' } }
  if (parts.expiredAnswer === 'html') return { status: 200, body: '<!DOCTYPE html><html><title>Login</title></html>' }
  return problem(401, 'Unauthorized')
}

/** Counts in whole seconds of the real clock: as coarse as it gets, and clients must live with it. */
function isTooFast({ requestsPerSecond, stats }: RestParts): boolean {
  if (requestsPerSecond === 0) return false
  const second = Math.floor(performance.now() / 1000)
  if (stats.latestSecond.at !== second) stats.latestSecond = { at: second, requests: 0 }
  stats.latestSecond.requests += 1
  return stats.latestSecond.requests > requestsPerSecond
}

function login(contentType: string | undefined, given: unknown, parts: RestParts): RestAnswer {
  if (!/^application\/json\b/i.test(contentType ?? '')) return problem(415, 'Content-Type must be application/json')
  const { username, password } = (typeof given === 'object' && given !== null ? given : {}) as Record<string, unknown>
  if (typeof username !== 'string' || typeof password !== 'string')
    return problem(400, 'username and password expected')
  const answer = parts.sessions.login(username, password)
  if ('refused' in answer) {
    parts.stats.failedLogins += 1
    if (answer.refused === 'password') return problem(401, 'Unauthorized')
    return problem(429, 'Too many failed login attempts. Please try again later.')
  }
  parts.stats.logins += 1
  const cookie = `cmsSID=${answer.session.id}; Path=/; Secure; HttpOnly`
  const deleted = 'cmsSID=deleted; Path=/; Max-Age=0'
  const headers = { 'Set-Cookie': parts.cookies === 'twice' ? [deleted, cookie] : cookie }
  return { status: 200, body: describeUser(username), headers }
}

/** An answer that says what is wrong. */
export function problem(status: number, message: string): RestAnswer {
  return { status, body: { message } }
}

function describeUser(username: string): object {
  return { id: 2, userName: username, firstName: '', lastName: '', emailAddress: null, locale: 'en_US', customerId: 1 }
}

async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    size += chunk.length
    if (size > bodyLimit) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
