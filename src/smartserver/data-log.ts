import { isUtf8 } from 'node:buffer'
import type { ClientRequest, IncomingMessage } from 'node:http'
import type https from 'node:https'
import WebSocket from 'ws'
import type { Frame } from '../domain/entry.ts'
import type { Failure } from '../domain/failure.ts'
import { type GatewayCode, gatewayFailure } from './failures.ts'
import type { ClockLook } from './gateway-clock.ts'
import { networkFailure } from './network-failure.ts'
import { upgradeRefusal } from './upgrade-refusal.ts'

export interface DataLogSocket {
  /** `wss://host` and the path with its query. */
  readonly url: string
  readonly cookie: string
  readonly agent: https.Agent
  /** Silence longer than this while the socket is being read is a failure. */
  readonly idleTimeoutMs: number
  /** Frames a batch. */
  readonly batchSize: number
  /** Made when the socket is opened. */
  readonly look: ClockLook
  readonly witness?: Witness | undefined
}

/** Hears a socket as it is, also where the request fails: what a recording is made of. */
export interface Witness {
  /** Every frame as soon as it has come, `"end"` and what follows it too. */
  onFrame(frame: Frame): void
  /** The code that the gateway closes with, or 1006 where the connection just ends. */
  onClose(code: number): void
}

const connectTimeoutMs = 30_000
/** The server closes by itself after "end" (protocol §2); one that does not is closed by us. */
const closeTimeoutMs = 2_000
/** Entries are a few hundred bytes; structures may be larger, but not this large. */
const largestFrame = 1024 * 1024

/**
 * Reads one data-log socket, in batches of frames as they came. Returns normally only after `"end"` (law 2); otherwise
 * throws a Failure with the count of entries so far. While the consumer is busy with a batch and the next one is full,
 * the socket is paused: no more than two batches are held (law 6).
 *
 *   connecting ─open→ reading ─"end"→ ended ─close→ done
 *       │                │  ↑          └─ another frame → failed; with a witness at the close
 *       │          batch full, consumer busy: paused
 *       └─ refused, error, close, silence, abort → failed
 */
export async function* readDataLogSocket(
  options: DataLogSocket,
  signal: AbortSignal,
): AsyncGenerator<readonly Frame[]> {
  signal.throwIfAborted()
  const socket = openSocket(options)
  const reading = new Reading(socket, options, signal)
  try {
    for (;;) {
      const batch = await reading.next()
      if (batch === undefined) return
      yield batch
    }
  } finally {
    reading.close()
  }
}

function openSocket({ url, cookie, agent }: DataLogSocket): WebSocket {
  return new WebSocket(url, {
    agent,
    headers: { cookie },
    handshakeTimeout: connectTimeoutMs,
    maxPayload: largestFrame,
    followRedirects: false,
    // compressing would cost the gateway CPU that it does not have
    perMessageDeflate: false,
    // done below, where bad text costs one entry rather than the request
    skipUTF8Validation: true,
  })
}

/** The state of one socket being read; see the picture above. */
class Reading {
  readonly #socket: WebSocket
  readonly #options: DataLogSocket
  readonly #signal: AbortSignal
  #filling: Frame[] = []
  #entries = 0
  #ended = false
  /** What it finishes with once `"end"` has come. */
  #endedWith: Failure | undefined
  #finished = false
  #failure: unknown
  #lastFrameAt = performance.now()
  #wake: (() => void) | undefined
  #idle: NodeJS.Timeout | undefined
  #closing: NodeJS.Timeout | undefined

  constructor(socket: WebSocket, options: DataLogSocket, signal: AbortSignal) {
    this.#socket = socket
    this.#options = options
    this.#signal = signal
    signal.addEventListener('abort', this.#onAbort, { once: true })
    socket.on('upgrade', answer => this.#noteDate(answer))
    socket.on('open', () => this.#watchSilence())
    socket.on('message', (data, isBinary) => this.#onFrame(data, isBinary))
    socket.on('unexpected-response', (request, answer) => this.#onRefusal(request, answer))
    socket.on('error', error => this.#finish(this.#errorFailure(error)))
    socket.on('close', code => this.#onClose(code))
  }

  /** The next batch, or undefined after `"end"`. */
  async next(): Promise<readonly Frame[] | undefined> {
    while (!this.#finished && this.#filling.length < this.#options.batchSize) {
      this.#resume()
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
    // what a failed request has delivered so far is of no use: it is asked for again as a whole
    if (this.#failure !== undefined) throw this.#failure
    const batch = this.#filling
    this.#filling = []
    this.#resume()
    return batch.length > 0 ? batch : undefined
  }

  close(): void {
    this.#signal.removeEventListener('abort', this.#onAbort)
    clearInterval(this.#idle)
    clearTimeout(this.#closing)
    this.#finished = true
    this.#socket.terminate()
  }

  #onFrame(data: WebSocket.RawData, isBinary: boolean): void {
    this.#lastFrameAt = performance.now()
    const bytes = data as Buffer
    // what is no text is no entry: kept as base64, it becomes a rejection and a dead letter (law 13)
    const isText = !isBinary && isUtf8(bytes)
    const text = isText ? bytes.toString('utf8') : `no text, base64: ${bytes.toString('base64')}`
    if (!this.#finished) this.#tell(text)
    if (this.#ended) {
      this.#endedWith = this.#failed('frame-after-end', 'frames arrived after "end"')
      if (this.#options.witness === undefined) this.#finish(this.#endedWith)
    } else if (text === '"end"') {
      this.#ended = true
      this.#closing = setTimeout(() => this.#finish(this.#endedWith), closeTimeoutMs)
    } else {
      this.#keep(text)
    }
  }

  /** A witness that cannot go on, as on a full disk, ends the reading: nobody else would hear of it. */
  #tell(frame: Frame): void {
    try {
      this.#options.witness?.onFrame(frame)
    } catch (error) {
      this.#finish(error)
    }
  }

  #keep(frame: Frame): void {
    this.#entries++
    this.#filling.push(frame)
    if (this.#filling.length < this.#options.batchSize) return
    if (this.#wake === undefined) this.#socket.pause()
    else this.#wakeUp()
  }

  #onClose(code: number): void {
    if (!this.#finished) this.#options.witness?.onClose(code)
    this.#finish(this.#ended ? this.#endedWith : this.#cut(code))
  }

  #onRefusal(request: ClientRequest, answer: IncomingMessage): void {
    this.#noteDate(answer)
    this.#finish(upgradeRefusal('data-log socket', request, answer))
  }

  #noteDate(answer: IncomingMessage): void {
    if (answer.headers.date !== undefined) this.#options.look.date(answer.headers.date)
  }

  #resume(): void {
    if (!this.#socket.isPaused) return
    this.#lastFrameAt = performance.now()
    this.#socket.resume()
  }

  #watchSilence(): void {
    const { idleTimeoutMs } = this.#options
    this.#lastFrameAt = performance.now()
    this.#idle = setInterval(
      () => {
        if (this.#socket.isPaused || performance.now() - this.#lastFrameAt < idleTimeoutMs) return
        this.#finish(this.#failed('silence', `the gateway was silent for ${idleTimeoutMs / 1000} s`))
      },
      Math.max(10, Math.min(1_000, idleTimeoutMs / 4)),
    )
  }

  #errorFailure(error: Error): unknown {
    // the reset of a connection that has said all it had to say
    if (this.#ended) return this.#endedWith
    const code = 'code' in error ? String(error.code) : ''
    if (code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH')
      return this.#failed('frame-too-large', `a frame exceeds ${largestFrame >> 20} MiB`, error)
    if (code.startsWith('WS_ERR'))
      return this.#failed('bad-websocket', `the gateway broke the WebSocket protocol (${code})`, error)
    if (error.message === 'Opening handshake has timed out')
      return this.#failed('open-timeout', `the gateway did not open the socket within ${connectTimeoutMs / 1000} s`)
    return networkFailure(error, 'reading its data log').during({ entries: this.#entries })
  }

  #cut(code: number): Failure {
    return this.#failed('no-end', `the gateway closed the socket (${code}) without "end"`)
  }

  #failed(code: GatewayCode, message: string, cause?: unknown): Failure {
    return gatewayFailure(code, message, { cause, work: { entries: this.#entries } })
  }

  readonly #onAbort = () => this.#finish(this.#signal.reason)

  #finish(failure: unknown): void {
    if (this.#finished) return
    this.#finished = true
    this.#failure = failure
    this.#socket.terminate()
    this.#wakeUp()
  }

  #wakeUp(): void {
    const wake = this.#wake
    this.#wake = undefined
    wake?.()
  }
}
