import { once } from 'node:events'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { onTestFinished } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import { makeCertificate } from '../../src/simulator/certificate.ts'

export interface Asked {
  readonly method: string
  readonly path: string
  readonly cookie: string | undefined
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface Answer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string | string[]>>
  readonly body?: string
}

/** A server of a few lines that says exactly what a test wants it to say, over real TLS. */
export interface SmallGateway {
  readonly url: string
  readonly fingerprint256: string
  readonly certificatePem: string
  /** Every REST call, in order of arrival. */
  readonly asked: readonly Asked[]
  /** `METHOD /path` of every REST call. */
  readonly calls: readonly string[]
  /** Connections that were opened, and bytes of plain text received over all of them. */
  readonly seen: { connections: number; bytes: number }
}

export interface SmallGatewayScript {
  readonly answer?: (asked: Asked) => Answer | Promise<Answer>
  /** The body of each answer never ends: a byte at a time, and this is called for each. */
  readonly drip?: () => void
  /** What happens on a data-log socket. */
  readonly onSocket?: (socket: WebSocket, request: IncomingMessage) => void
  /** In place of an upgrade. */
  readonly refuse?: (request: IncomingMessage) => Answer | undefined
}

const certificate = makeCertificate('127.0.0.1')

function dripInto(response: ServerResponse, drip: () => void): void {
  const timer = setInterval(() => {
    response.write(' ')
    drip()
  }, 20)
  response.on('close', () => clearInterval(timer))
}

/** Closed when the test ends. */
export async function startSmallGateway(script: SmallGatewayScript = {}): Promise<SmallGateway> {
  const { keyPem, certificatePem, fingerprint256 } = certificate
  const server = createServer({ key: keyPem, cert: certificatePem })
  const sockets = new WebSocketServer({ noServer: true })
  const open = new Set<Duplex>()
  const asked: Asked[] = []
  const seen = { connections: 0, bytes: 0 }
  server.on('connection', (socket: Socket) => {
    open.add(socket.on('close', () => open.delete(socket)))
    seen.connections++
  })
  server.on('secureConnection', socket => {
    socket.on('error', () => {})
    // counts what arrives without taking it away from its reader
    socket.on('data', (chunk: Buffer) => {
      seen.bytes += chunk.length
    })
  })
  server.on('request', (request, response) => void answerCall(request, response))
  server.on('upgrade', (request, socket, head) => {
    const refusal = script.refuse?.(request)
    if (refusal !== undefined) {
      const { status = 401, headers = {}, body = '' } = refusal
      const lines = Object.entries({ 'content-length': String(body.length), ...headers }).map(([k, v]) => `${k}: ${v}`)
      socket.end(`HTTP/1.1 ${status} No\r\n${lines.join('\r\n')}\r\n\r\n${body}`)
      return
    }
    sockets.handleUpgrade(request, socket, head, client => {
      client.on('error', () => {})
      script.onSocket?.(client, request)
    })
  })

  async function answerCall(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const call = {
      method: request.method ?? '',
      path: request.url ?? '',
      cookie: request.headers.cookie,
      headers: request.headers,
      body: Buffer.concat(chunks).toString(),
    }
    asked.push(call)
    if (script.drip !== undefined) return dripInto(response, script.drip)
    const { status = 200, headers = {}, body = '' } = (await script.answer?.(call)) ?? {}
    response.writeHead(status, headers as Record<string, string>).end(body)
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    for (const socket of open) socket.destroy()
    server.close()
    await once(server, 'close')
  })
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    fingerprint256,
    certificatePem,
    asked,
    seen,
    get calls() {
      return asked.map(({ method, path }) => `${method} ${path}`)
    },
  }
}
