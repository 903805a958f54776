import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Certificate } from './certificate.ts'

/** What a listener needs and reports. */
interface ListenerParts {
  readonly certificate: Certificate
  readonly host: string
  readonly port: number
  /** Whether a TCP connection is turned away before TLS. */
  rejects(): boolean
  answer(request: IncomingMessage, response: ServerResponse): Promise<void>
  /** How an upgrade is refused, or what to do with the socket. */
  upgrade(request: IncomingMessage): Refusal | ((opened: OpenedSocket) => void)
}

export interface Refusal {
  readonly status: number
  readonly retryAfter: string | undefined
}

export interface OpenedSocket {
  readonly client: WebSocket
  readonly socket: Duplex
  /** Resets the TCP connection below TLS. */
  reset(): void
}

interface Listener {
  readonly port: number
  /** Cuts every connection. */
  cut(): void
  /** Cuts every connection and frees the port. */
  close(): Promise<void>
}

/** Listens for HTTPS and WSS on one port. Throws what `listen` throws. */
export async function listen(parts: ListenerParts): Promise<Listener> {
  const { certificate } = parts
  const server = createServer({ key: certificate.keyPem, cert: certificate.certificatePem }, (request, response) => {
    parts.answer(request, response).catch(() => response.destroy())
  })
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false })
  // A TLS socket cannot be reset itself, so the TCP sockets below are kept, by the client's port.
  const connections = new Map<number | undefined, Socket>()
  server.on('connection', (socket: Socket) => {
    if (parts.rejects()) {
      socket.destroy()
      return
    }
    const port = socket.remotePort
    connections.set(port, socket)
    socket.once('close', () => connections.delete(port))
  })
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy())
    const answer = parts.upgrade(request)
    if ('status' in answer) {
      const { status, retryAfter } = answer
      const line = `${statusLines[status] ?? status}${retryAfter === undefined ? '' : `\r\nRetry-After: ${retryAfter}`}`
      socket.end(`HTTP/1.1 ${line}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
      return
    }
    const port = request.socket.remotePort
    sockets.handleUpgrade(request, socket, head, client => {
      client.on('error', () => client.terminate())
      answer({ client, socket, reset: () => connections.get(port)?.resetAndDestroy() })
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(parts.port, parts.host, () => {
      server.off('error', reject)
      resolve()
    })
  })
  const cut = () => {
    for (const client of sockets.clients) client.terminate()
    for (const socket of connections.values()) socket.destroy()
  }
  return {
    cut,
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise(resolve => {
        sockets.close()
        server.close(() => resolve())
        server.closeAllConnections()
        cut()
      }),
  }
}

const statusLines: Readonly<Record<number, string>> = {
  302: '302 Found\r\nLocation: /cms',
  401: '401 Unauthorized',
  403: '403 Forbidden',
  404: '404 Not Found',
  503: '503 Service Unavailable',
}
