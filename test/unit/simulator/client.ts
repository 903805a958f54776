import { request } from 'node:https'
import WebSocket from 'ws'
import type { Simulator } from '../../../src/simulator/simulator.ts'

/** A client of the tests' own, written from the protocol notes: plain enough to see what goes over the wire. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}

export interface LogAnswer {
  readonly frames: readonly string[]
  readonly code: number
  readonly reason: string
}

export function call(
  simulator: Simulator,
  method: string,
  path: string,
  options: { cookie?: string; body?: unknown; type?: string } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers: Record<string, string> = {}
    if (options.cookie !== undefined) headers['cookie'] = options.cookie
    if (options.body !== undefined) headers['content-type'] = options.type ?? 'application/json'
    const sent = request(
      simulator.url + path,
      { method, headers, ca: simulator.certificatePem, agent: false },
      answer => {
        let text = ''
        answer.setEncoding('utf8')
        answer.on('data', chunk => {
          text += chunk
        })
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text }))
        answer.on('error', reject)
      },
    )
    sent.on('error', reject)
    sent.end(options.body === undefined ? undefined : JSON.stringify(options.body))
  })
}

export async function login(simulator: Simulator, username = 'etl', password = 'secret'): Promise<string> {
  const answer = await call(simulator, 'POST', '/iap/auth/login', { body: { username, password } })
  if (answer.status !== 200) throw new Error(`login answered ${answer.status}`)
  return String(answer.headers['set-cookie']).split(';')[0]!
}

export function openSocket(simulator: Simulator, cookie: string, query: string): WebSocket {
  return new WebSocket(`${simulator.url.replace('https', 'wss')}/iap/ws${query}`, {
    headers: cookie === '' ? {} : { cookie },
    ca: simulator.certificatePem,
    perMessageDeflate: false,
  })
}

/** Everything one log query brings until the socket is closed. Rejects with `upgrade 401` and the like when it is refused. */
export function readLog(simulator: Simulator, cookie: string, query: string): Promise<LogAnswer> {
  return new Promise((resolve, reject) => {
    const socket = openSocket(simulator, cookie, query)
    const frames: string[] = []
    let failed: Error | undefined
    socket.on('message', (data, isBinary) => frames.push(isBinary ? `binary ${data}` : String(data)))
    socket.on('unexpected-response', (sent, answer) => {
      sent.destroy()
      reject(new Error(`upgrade ${answer.statusCode}`))
    })
    socket.on('error', error => {
      failed = error
    })
    socket.on('close', (code, reason) => {
      if (failed !== undefined && frames.length === 0) reject(failed)
      else resolve({ frames, code, reason: String(reason) })
    })
  })
}

/** The wire form of a query value: everything but unreserved characters escaped (protocol §2.3). */
export function encodeValue(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, char => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
}

export function range(after: number, until: number): string {
  const text = (ms: number) => new Date(ms).toISOString().slice(0, -1)
  return `value=${encodeValue(`*+utc>${text(after)}&utc<=${text(until)}`)}`
}
