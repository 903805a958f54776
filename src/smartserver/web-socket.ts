import type { ClientRequest, IncomingMessage } from 'node:http'
import type https from 'node:https'
import { WebSocket } from 'ws'
import type { Failure } from '../domain/failure.ts'
import { retryAfterOf } from '../domain/retry-after.ts'
import { gatewayFailure } from './failures.ts'
import { tooFast } from './rate-limit.ts'

export interface SocketAddress {
  /** `wss://host` and the path with its query. */
  readonly url: string
  readonly cookie: string
  readonly agent: https.Agent
}

export const connectTimeoutMs = 30_000

/** `largestFrame`: bytes; a longer one closes the socket. */
export function openWebSocket(
  { url, cookie, agent }: SocketAddress,
  largestFrame: number,
  options: { readonly skipUTF8Validation?: boolean } = {},
): WebSocket {
  return new WebSocket(url, {
    agent,
    headers: { cookie },
    handshakeTimeout: connectTimeoutMs,
    maxPayload: largestFrame,
    followRedirects: false,
    // compressing would cost the gateway CPU that it does not have
    perMessageDeflate: false,
    ...options,
  })
}

/** A gateway that is starting or overloaded (protocol §4.1, §7): no range is to blame. */
const notNow = new Set([502, 503, 504])

/** What came in place of a WebSocket; ends the connection. `upgrade-not-logged-in` where it looks like a login that has ended. */
export function upgradeRefusal(socket: string, request: ClientRequest, answer: IncomingMessage): Failure {
  const { statusCode: status = 0, headers } = answer
  answer.resume()
  request.destroy()
  if (status === 429) return tooFast(headers)
  const message = `the gateway refuses the ${socket} (status ${status})`
  const details = { retryAfterMs: retryAfterOf(headers) }
  if (isLoggedOut(status)) return gatewayFailure('upgrade-not-logged-in', message, details)
  if (notNow.has(status)) return gatewayFailure('upgrade-unavailable', message, details)
  return gatewayFailure('upgrade-refused', message, { ...details, retry: status >= 500 ? 'soon' : 'later' })
}

/** Not documented: 401, 403, a redirect and the login page itself, with 200, are all expected (protocol §1). */
function isLoggedOut(status: number): boolean {
  return status === 401 || status === 403 || (status >= 200 && status < 400)
}
