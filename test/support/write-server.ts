import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { setTimeout as pause } from 'node:timers/promises'
import { gunzipSync } from 'node:zlib'

export interface Reply {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer | object
  /** `unheard`: the connection ends before a word; `mid-answer`: after half of the body. The lines are stored all the same. */
  readonly cut?: 'unheard' | 'mid-answer'
  readonly delayMs?: number
  /** The body comes byte by byte, with so many milliseconds between them. */
  readonly dripMs?: number
}

/** Says which of the lines are stored and what is answered, as one kind of database documents it. */
export type Behaviour = (lines: readonly string[], number: number) => { stored: readonly string[]; reply: Reply }

export interface WriteServer {
  readonly url: string
  /** Series and time → the fields that a database would hold now. */
  readonly stored: ReadonlyMap<string, string>
  /** Lines of each write, in order of arrival. */
  readonly writes: readonly (readonly string[])[]
  readonly headers: readonly IncomingMessage['headers'][]
  behave(behaviour: Behaviour): void
  close(): Promise<void>
}

export interface WriteServerOptions {
  /** What `/ping` says. */
  readonly ping?: Readonly<Record<string, string>>
  /** Other questions: path (without query) → answer. */
  readonly answers?: Readonly<Record<string, Reply | ((url: URL) => Reply)>>
  readonly tls?: { readonly key: string; readonly cert: string }
}

export const takeEverything: Behaviour = lines => ({ stored: lines, reply: { status: 204 } })

/** A write API of InfluxDB in software: answers what the test wants it to, and remembers what a database would hold. */
export async function openWriteServer({ ping = {}, answers = {}, tls }: WriteServerOptions = {}): Promise<WriteServer> {
  const stored = new Map<string, string>()
  const writes: (readonly string[])[] = []
  const headers: IncomingMessage['headers'][] = []
  let behaviour = takeEverything

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    headers.push(request.headers)
    const url = new URL(request.url ?? '/', 'http://x')
    const { pathname } = url
    const answer = answers[pathname]
    if (answer !== undefined) return say(response, typeof answer === 'function' ? answer(url) : answer)
    if (pathname === '/ping') return say(response, { status: 204, headers: ping })
    if (request.method !== 'POST' || !pathname.endsWith('/write')) return say(response, { status: 404 })
    const body = Buffer.concat(chunks)
    const text = (request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body).toString()
    // A newline within quotes is part of a text.
    const lines = text === '' ? [] : (text.match(/(?:"(?:\\.|[^"\\])*"|[^\n"])+/g) ?? [])
    if (lines.length > 0) writes.push(lines)
    const { stored: kept, reply } = behaviour(lines, writes.length - 1)
    for (const line of kept) {
      const [, series, fields, time] = /^((?:\\.|[^ \\]|\\)+?) (.*) (-?\d+)$/s.exec(line)!
      stored.set(`${series} ${time}`, fields!)
    }
    await say(response, reply)
  }

  const listener = (request: IncomingMessage, response: ServerResponse) => {
    serve(request, response).catch(() => response.destroy())
  }
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port was given')
  return {
    url: `http${tls === undefined ? '' : 's'}://127.0.0.1:${address.port}`,
    stored,
    writes,
    headers,
    behave(next) {
      behaviour = next
    },
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function say(
  response: ServerResponse,
  { status, headers = {}, body = '', cut, delayMs, dripMs }: Reply,
): Promise<void> {
  if (delayMs !== undefined) await pause(delayMs)
  if (cut === 'unheard') return void response.destroy()
  const text = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body)
  const type = typeof text !== 'string' || typeof body === 'string' ? 'text/plain' : 'application/json'
  if (cut === 'mid-answer') {
    response.writeHead(status === 204 ? 400 : status, { 'content-type': type, 'content-length': '1000', ...headers })
    response.write('{"error":"half of it')
    // The head and the half must be on their way before the end.
    await pause(5)
    return void response.destroy()
  }
  if (dripMs !== undefined) {
    response.writeHead(status, { 'content-type': type, ...headers })
    for (const byte of Buffer.from(text)) {
      if (response.destroyed) return
      response.write(Buffer.of(byte))
      await pause(dripMs)
    }
    return void response.end()
  }
  response.writeHead(status, { ...(text === '' ? {} : { 'content-type': type }), ...headers }).end(text)
}
