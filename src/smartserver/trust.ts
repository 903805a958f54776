import https from 'node:https'
import type { Duplex } from 'node:stream'
import tls from 'node:tls'
import type { TlsTrust } from '../config/config.ts'
import type { Failure } from '../domain/failure.ts'
import { gatewayFailure } from './failures.ts'

const usualHandshakeTimeoutMs = 30_000

/** One agent for REST and WebSocket, so that both trust the same. Connections are kept open between REST calls. */
export function createAgent(trust: TlsTrust, handshakeTimeoutMs = usualHandshakeTimeoutMs): https.Agent {
  return new CarefulAgent(trust, handshakeTimeoutMs)
}

/**
 * Hands a connection over only when its handshake is done and its certificate is trusted. Node checks no identity of a
 * self-signed certificate that is pinned, and a check on `secureConnect` would come after the first bytes (a password) are
 * on their way. A request that is written into a handshake that fails gets EPROTO, whatever the cause.
 * Until then no request has the connection, nor its timeout and abort: the agent has its own.
 */
class CarefulAgent extends https.Agent {
  readonly #trust: TlsTrust
  readonly #handshakeTimeoutMs: number
  readonly #unchecked = new Set<Duplex>()

  constructor(trust: TlsTrust, handshakeTimeoutMs: number) {
    super({ keepAlive: true })
    this.#trust = trust
    this.#handshakeTimeoutMs = handshakeTimeoutMs
  }

  override destroy(): void {
    for (const socket of this.#unchecked) socket.destroy()
    super.destroy()
  }

  override createConnection(
    options: https.RequestOptions,
    ready: (error: Error | null, socket: Duplex) => void = () => {},
  ): undefined {
    const trust = this.#trust
    const socket = tls.connect({
      ...(options as tls.ConnectionOptions),
      ...(trust.kind === 'authority' ? { ca: trust.ca } : {}),
      rejectUnauthorized: trust.kind === 'authority' || trust.kind === 'system',
    })
    const failed = (error: Error) => ready(error, socket)
    this.#unchecked.add(socket)
    socket.once('close', () => this.#unchecked.delete(socket))
    socket.once('error', failed)
    socket.setTimeout(this.#handshakeTimeoutMs, () => socket.destroy(noHandshake(this.#handshakeTimeoutMs)))
    socket.once('secureConnect', () => {
      this.#unchecked.delete(socket)
      socket.removeListener('error', failed)
      socket.setTimeout(0)
      socket.removeAllListeners('timeout')
      const shown = socket.getPeerCertificate().fingerprint256
      if (trust.kind !== 'fingerprint' || shown === trust.fingerprint256) {
        ready(null, socket)
        return
      }
      socket.destroy()
      ready(wrongFingerprint(shown), socket)
    })
  }
}

function noHandshake(timeoutMs: number): Failure {
  return gatewayFailure(
    'gateway-silent',
    `the gateway took the connection but no TLS handshake came about within ${timeoutMs / 1000} s`,
  )
}

function wrongFingerprint(shown: string): Failure {
  return gatewayFailure('wrong-fingerprint', `the gateway shows another certificate than the pinned one: ${shown}`)
}
