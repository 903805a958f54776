import type { IncomingMessage } from 'node:http'
import type https from 'node:https'
import { backoffMs } from '../domain/backoff.ts'
import type { Clock } from '../domain/clock.ts'
import type { Rejection } from '../domain/entry.ts'
import { type Failure, toFailure } from '../domain/failure.ts'
import { gatewayFailure } from './failures.ts'
import type { ClockLook } from './gateway-clock.ts'
import { networkFailure } from './network-failure.ts'
import type { Session } from './session.ts'
import { decodeUpdate, type Update } from './updates.ts'
import { openWebSocket, upgradeRefusal } from './web-socket.ts'

interface GeneralSocketParts {
  /** `wss://host/iap/ws`, without a query: with one it would be a data-log socket (protocol §2). */
  readonly url: string
  readonly agent: https.Agent
  readonly session: Pick<Session, 'lease' | 'renounce'>
  readonly clock: Clock
  /** Called when the socket is opened. */
  readonly lookAtClock: () => ClockLook
  /** Between two pings; a socket that says nothing from one to the next is dead. */
  readonly pingEveryMs?: number
  /** What a socket must have lived for where no ping is answered. */
  readonly provenAfterMs?: number
}

export interface GeneralSocketEvents {
  /** Every frame that came; quick, for nothing waits for it. */
  onUpdate(update: Update | Rejection, frame: string): void
  /** After each opening, the first and all later ones: the place to subscribe. What it throws closes the socket. */
  onOpen?(signal: AbortSignal): Promise<void>
  /** The socket could not be had, or was lost; it is tried again after `waitMs`. */
  onTrouble?(failure: Failure, waitMs: number): void
}

const usualPingMs = 30_000
const usualProofMs = 60_000
/** The login is renewed at half its life, of 24 h as a rule; a socket must not outlive the login that opened it. */
const renewEveryMs = 6 * 3_600_000
const firstWaitMs = 1_000
const longestWaitMs = 300_000
/** Updates of many datapoints come in one frame. */
const largestFrame = 16 * 1024 * 1024

/**
 * Keeps the general-purpose socket open (protocol §6): pings it, opens it again after a loss with longer and longer
 * waits, and moves it to the renewed login. It never ends by itself: resolves when the signal has aborted, throws never.
 * The waits begin anew only after a socket that lived: one that opens and is lost at once is no better than none.
 */
export async function keepGeneralSocket(
  parts: GeneralSocketParts,
  events: GeneralSocketEvents,
  signal: AbortSignal,
): Promise<void> {
  let losses = 0
  const onLife = () => {
    losses = 0
  }
  while (!signal.aborted) {
    const loss = await holdSocket(parts, events, onLife, signal).catch(toFailure)
    if (loss === undefined || signal.aborted) continue
    const backoff = backoffMs(++losses, { firstMs: firstWaitMs, mostMs: longestWaitMs })
    const waitMs = Math.max(loss.retryAfterMs ?? 0, loss.retry === 'never' ? longestWaitMs : backoff)
    events.onTrouble?.(loss, waitMs)
    await parts.clock.sleep(waitMs, signal).catch(() => {})
  }
}

/** One socket from opening to loss. Resolves when it is time for a new one, throws a Failure when it is lost. */
async function holdSocket(
  parts: GeneralSocketParts,
  events: GeneralSocketEvents,
  onLife: () => void,
  signal: AbortSignal,
): Promise<undefined> {
  const { session, pingEveryMs = usualPingMs, provenAfterMs = usualProofMs } = parts
  const lease = await session.lease(signal)
  if (signal.aborted) {
    // while waiting for the login: the event that closes a socket has been missed
    lease.release()
    return undefined
  }
  const left = new AbortController()
  const look = parts.lookAtClock()
  const socket = openWebSocket({ ...parts, cookie: lease.cookie }, largestFrame)
  let pinging: NodeJS.Timeout | undefined
  let renewing: NodeJS.Timeout | undefined
  let proving: NodeJS.Timeout | undefined
  try {
    await new Promise<void>((leave, lose) => {
      let isAlive = true
      const heard = () => {
        isAlive = true
      }
      const { promise: hasLived, resolve: prove } = Promise.withResolvers<void>()
      const beat = () => {
        if (!isAlive) lose(socketFailure(`said nothing for ${pingEveryMs / 1000} s`, 'general-socket-silent'))
        isAlive = false
        socket.ping()
      }
      signal.addEventListener('abort', () => leave(), { once: true, signal: left.signal })
      socket.on('upgrade', answer => noteDate(answer, look))
      socket.on('pong', () => {
        heard()
        prove()
      })
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
        pinging = setInterval(beat, pingEveryMs)
        renewing = setTimeout(leave, renewEveryMs)
        proving = setTimeout(prove, provenAfterMs)
        const ready = events.onOpen?.(AbortSignal.any([signal, left.signal]))
        Promise.all([hasLived, ready]).then(() => {
          if (!left.signal.aborted) onLife()
        }, lose)
      })
      socket.on('unexpected-response', (request, answer) => {
        noteDate(answer, look)
        lose(upgradeRefusal('general socket', request, answer))
      })
      socket.on('error', error => lose(networkFailure(error, 'keeping the general socket')))
      socket.on('close', code => lose(socketFailure(`was closed (${code})`, 'general-socket-closed')))
    })
    return undefined
  } catch (error) {
    if (gatewayFailure.is(error, 'upgrade-not-logged-in'))
      await session.renounce(lease.cookie, { place: 'general socket', isRetry: false, refusal: error }, signal)
    throw error
  } finally {
    left.abort()
    clearInterval(pinging)
    clearTimeout(renewing)
    clearTimeout(proving)
    socket.terminate()
    lease.release()
  }
}

function noteDate({ headers }: IncomingMessage, look: ClockLook): void {
  if (headers.date !== undefined) look.date(headers.date)
}

function socketFailure(what: string, code: 'general-socket-silent' | 'general-socket-closed'): Failure {
  return gatewayFailure(code, `the general socket ${what}`)
}
