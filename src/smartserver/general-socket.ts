import type { ClientRequest, IncomingMessage } from 'node:http'
import type https from 'node:https'
import WebSocket from 'ws'
import type { Clock } from '../domain/clock.ts'
import type { Rejection } from '../domain/entry.ts'
import { Failure, toFailure } from '../domain/failure.ts'
import { networkFailure } from './network-failure.ts'
import type { Session } from './session.ts'
import { tooFast } from './too-fast.ts'
import { decodeUpdate, type Update } from './updates.ts'

export interface GeneralSocketParts {
  /** `wss://host/iap/ws`, without a query: with one it would be a data-log socket (protocol §2). */
  readonly url: string
  readonly agent: https.Agent
  readonly session: Pick<Session, 'lease' | 'expire'>
  readonly clock: Clock
  readonly onDate: (date: string) => void
  /** Between two pings; a socket that says nothing from one to the next is dead. */
  readonly pingEveryMs?: number
}

export interface GeneralSocketEvents {
  /** Every frame that came; quick, for nothing waits for it. */
  onUpdate(update: Update | Rejection, frame: string): void
  /** After each opening, the first and all later ones: the place to subscribe. What it throws closes the socket. */
  onOpen?(signal: AbortSignal): Promise<void>
  /** The socket could not be had, or was lost; it is tried again after `waitMs`. */
  onTrouble?(failure: Failure, waitMs: number): void
}

const connectTimeoutMs = 30_000
const usualPingMs = 30_000
/** The login is renewed at half its life, of 24 h as a rule; a socket must not outlive the login that opened it. */
const renewEveryMs = 6 * 3_600_000
const firstWaitMs = 1_000
const longestWaitMs = 300_000
/** Updates of many datapoints come in one frame. */
const largestFrame = 16 * 1024 * 1024

/** What has gone wrong since the socket was last open. */
interface Losses {
  failures: number
  refusals: number
}

/**
 * Keeps the general-purpose socket open (protocol §6): pings it, opens it again after a loss with longer and longer
 * waits, and moves it to the renewed login. It never ends by itself: resolves when the signal has aborted, throws never.
 */
export async function keepGeneralSocket(
  parts: GeneralSocketParts,
  events: GeneralSocketEvents,
  signal: AbortSignal,
): Promise<void> {
  const losses: Losses = { failures: 0, refusals: 0 }
  while (!signal.aborted) {
    const loss = await holdSocket(parts, events, losses, signal).catch(toFailure)
    if (loss === undefined || signal.aborted) continue
    const patienceMs = Math.min(longestWaitMs, firstWaitMs * 2 ** Math.min(losses.failures++, 20))
    const waitMs = Math.max(loss.retryAfterMs ?? 0, loss.retry === 'never' ? longestWaitMs : patienceMs)
    events.onTrouble?.(loss, waitMs)
    await parts.clock.sleep(waitMs, signal).catch(() => {})
  }
}

/** One socket from opening to loss. Resolves when it is time for a new one, throws a Failure when it is lost. */
async function holdSocket(
  parts: GeneralSocketParts,
  events: GeneralSocketEvents,
  losses: Losses,
  signal: AbortSignal,
): Promise<undefined> {
  const { session, pingEveryMs = usualPingMs } = parts
  const lease = await session.lease(signal)
  if (signal.aborted) {
    // while waiting for the login: the event that closes a socket has been missed
    lease.release()
    return undefined
  }
  const left = new AbortController()
  const socket = openSocket(parts, lease.cookie)
  let pinging: NodeJS.Timeout | undefined
  let renewing: NodeJS.Timeout | undefined
  try {
    await new Promise<void>((leave, lose) => {
      let isAlive = true
      const heard = () => {
        isAlive = true
      }
      const beat = () => {
        if (!isAlive) lose(socketFailure(`said nothing for ${pingEveryMs / 1000} s`, 'general-socket-silent'))
        isAlive = false
        socket.ping()
      }
      signal.addEventListener('abort', () => leave(), { once: true, signal: left.signal })
      socket.on('upgrade', answer => noteDate(answer, parts))
      socket.on('pong', heard)
      socket.on('message', (data, isBinary) => {
        heard()
        try {
          const frame = isBinary ? '' : data.toString()
          events.onUpdate(decodeUpdate(frame), frame)
        } catch (error) {
          lose(error)
        }
      })
      socket.on('open', () => {
        losses.failures = 0
        losses.refusals = 0
        pinging = setInterval(beat, pingEveryMs)
        renewing = setTimeout(leave, renewEveryMs)
        events.onOpen?.(AbortSignal.any([signal, left.signal])).catch(lose)
      })
      socket.on('unexpected-response', (request, answer) => {
        noteDate(answer, parts)
        const refusal = refusalOf(request, answer)
        // once only: a gateway that refuses this socket to a fresh login too would be logged in to again and again
        if (refusal.code === 'upgrade-not-logged-in' && losses.refusals++ === 0) session.expire(lease.cookie)
        lose(refusal)
      })
      socket.on('error', error => lose(networkFailure(error, 'keeping the general socket')))
      socket.on('close', code => lose(socketFailure(`was closed (${code})`, 'general-socket-closed')))
    })
    return undefined
  } finally {
    left.abort()
    clearInterval(pinging)
    clearTimeout(renewing)
    socket.terminate()
    lease.release()
  }
}

function openSocket({ url, agent }: GeneralSocketParts, cookie: string): WebSocket {
  return new WebSocket(url, {
    agent,
    headers: { cookie },
    handshakeTimeout: connectTimeoutMs,
    maxPayload: largestFrame,
    followRedirects: false,
    // compressing would cost the gateway CPU that it does not have
    perMessageDeflate: false,
  })
}

function noteDate({ headers }: IncomingMessage, { onDate }: GeneralSocketParts): void {
  if (headers.date !== undefined) onDate(headers.date)
}

function socketFailure(what: string, code: string): Failure {
  return new Failure(`the general socket ${what}`, { code, retry: 'soon', reach: 'request' })
}

function refusalOf(request: ClientRequest, answer: IncomingMessage): Failure {
  const status = answer.statusCode ?? 0
  answer.resume()
  request.destroy()
  if (status === 429) return tooFast(answer.headers['retry-after'])
  const loggedOut = status === 401 || status === 403 || (status >= 300 && status < 400)
  return new Failure(`the gateway refuses the general socket (status ${status})`, {
    code: loggedOut ? 'upgrade-not-logged-in' : 'upgrade-refused',
    retry: 'soon',
    reach: 'request',
  })
}
