import tls from 'node:tls'
import type { Failure } from '../domain/failure.ts'
import { gatewayFailure } from './failures.ts'
import { networkFailure } from './network-failure.ts'

export interface ShownCertificate {
  readonly subject: string
  /** ms UTC */
  readonly validFrom: number
  readonly validTo: number
  /** `AB:CD:…`, as the option `tls: { fingerprint256: … }` takes it. */
  readonly fingerprint256: string
}

const timeoutMs = 15_000

/**
 * The certificate that an address shows, trusted or not. The connection is made for this alone: nothing is sent on it,
 * no login above all (law 12). Throws a Failure.
 */
export function readCertificate(url: string, signal: AbortSignal): Promise<ShownCertificate> {
  const { hostname, port } = new URL(url)
  const host = hostname.replace(/^\[|\]$/g, '')
  return new Promise((resolve, reject) => {
    signal.throwIfAborted()
    const socket = tls.connect({
      host,
      port: Number(port || 443),
      rejectUnauthorized: false,
      ...(/^[\d.]+$|:/.test(host) ? {} : { servername: host }),
    })
    const onAbort = () => socket.destroy(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    socket.setTimeout(timeoutMs, () => socket.destroy(silent()))
    socket.on('error', error =>
      reject(signal.aborted ? signal.reason : networkFailure(error, 'looking at its certificate')),
    )
    socket.on('close', () => signal.removeEventListener('abort', onAbort))
    socket.on('secureConnect', () => {
      const { subject, valid_from, valid_to, fingerprint256 } = socket.getPeerCertificate()
      resolve({
        subject: Object.entries(subject ?? {})
          .map(([key, value]) => `${key}=${String(value)}`)
          .join(', '),
        validFrom: Date.parse(valid_from),
        validTo: Date.parse(valid_to),
        fingerprint256,
      })
      socket.destroy()
    })
  })
}

function silent(): Failure {
  return gatewayFailure('gateway-silent', `no TLS connection came about within ${timeoutMs / 1000} s`)
}
