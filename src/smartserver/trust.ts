import https from 'node:https'
import type { Duplex } from 'node:stream'
import tls from 'node:tls'
import type { TlsTrust } from '../config/schema.ts'
import { Failure } from '../domain/failure.ts'

/** One agent for REST and WebSocket, so that both trust the same. Connections are kept open between REST calls. */
export function createAgent(trust: TlsTrust): https.Agent {
  if (trust.kind === 'fingerprint') return new PinnedAgent(trust.fingerprint256)
  return new https.Agent({
    keepAlive: true,
    ...(trust.kind === 'authority' ? { ca: trust.ca } : {}),
    rejectUnauthorized: trust.kind !== 'none',
  })
}

/**
 * Hands a connection over only after its certificate was compared: Node checks no identity of a self-signed
 * certificate, and a check on `secureConnect` would come after the first bytes (a password) are on their way.
 */
class PinnedAgent extends https.Agent {
  readonly #fingerprint: string

  constructor(fingerprint: string) {
    super({ keepAlive: true })
    this.#fingerprint = fingerprint
  }

  override createConnection(
    options: https.RequestOptions,
    ready: (error: Error | null, socket: Duplex) => void = () => {},
  ): undefined {
    const socket = tls.connect({ ...(options as tls.ConnectionOptions), rejectUnauthorized: false })
    const failed = (error: Error) => ready(error, socket)
    socket.once('error', failed)
    socket.once('secureConnect', () => {
      socket.removeListener('error', failed)
      const shown = socket.getPeerCertificate().fingerprint256
      if (shown === this.#fingerprint) {
        ready(null, socket)
        return
      }
      socket.destroy()
      ready(wrongFingerprint(shown), socket)
    })
  }
}

function wrongFingerprint(shown: string): Failure {
  return new Failure(`the gateway shows another certificate than the pinned one: ${shown}`, {
    code: 'wrong-fingerprint',
    retry: 'never',
    reach: 'gateway',
    advice:
      'If its certificate was renewed on purpose, put the new fingerprint256 into the configuration; else someone may stand in between.',
  })
}
