import { isUtf8 } from 'node:buffer'
import type { ClientRequest, IncomingMessage } from 'node:http'
import type { RawData, WebSocket } from 'ws'
import type { Frame } from '../domain/entry.ts'
import type { Failure } from '../domain/failure.ts'
import { type GatewayCode, gatewayFailure } from './failures.ts'
import type { ClockLook } from './gateway-clock.ts'
import { networkFailure } from './network-failure.ts'
import { createSlowness } from './slowness.ts'
import { connectTimeoutMs, openWebSocket, type SocketAddress, upgradeRefusal } from './web-socket.ts'

/** A batch is full when it holds so many frames or so many bytes, whichever comes first. */
export interface BatchLimits {
  readonly frames: number
  readonly bytes: number
}

interface DataLogSocket extends SocketAddress {
  /** Silence longer than this while the socket is being read is a failure. */
  readonly idleTimeoutMs: number
  readonly batch: BatchLimits
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
  // text is decoded below, where bad bytes cost one entry rather than the request
  const socket = openWebSocket(options, largestFrame, { skipUTF8Validation: true })
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

/** Until `"end"`, from then to the close, and afterwards; a failure known while `ended` is thrown at the close. */
type State =
  | { readonly kind: 'reading' }
  | { readonly kind: 'ended'; readonly failure: Failure | undefined }
  | { readonly kind: 'done'; readonly failure: unknown }

/** One socket being read; see the picture above. */
class Reading {
  readonly #socket: WebSocket
  readonly #options: DataLogSocket
  readonly #signal: AbortSignal
  #filling: Frame[] = []
  #fillingBytes = 0
  #entries = 0
  #state: State = { kind: 'reading' }
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
    while (this.#state.kind !== 'done' && !this.#isFull) {
      this.#resume()
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
    // the frames of a failed request are of no use: it is asked for again as a whole
    if (this.#state.kind === 'done' && this.#state.failure !== undefined) throw this.#state.failure
    const batch = this.#filling
    this.#filling = []
    this.#fillingBytes = 0
    this.#resume()
    return batch.length > 0 ? batch : undefined
  }

  close(): void {
    this.#signal.removeEventListener('abort', this.#onAbort)
    clearInterval(this.#idle)
    clearTimeout(this.#closing)
    this.#state = { kind: 'done', failure: undefined }
    this.#socket.terminate()
  }

  #onFrame(data: RawData, isBinary: boolean): void {
    if (this.#state.kind === 'done') return
    this.#lastFrameAt = performance.now()
    const bytes = data as Buffer
    // what is no text is no entry: kept as base64, it becomes a rejection and a dead letter (law 13)
    const isText = !isBinary && isUtf8(bytes)
    const text = isText ? bytes.toString('utf8') : `no text, base64: ${bytes.toString('base64')}`
    this.#showWitness(text)
    if (this.#state.kind === 'reading') {
      if (text === '"end"') this.#end()
      else this.#keep(text, bytes.length)
    } else if (this.#state.kind === 'ended') {
      const failure = this.#failed('frame-after-end', 'frames arrived after "end"')
      this.#state = { kind: 'ended', failure }
      // a witness hears all that comes until the close
      if (this.#options.witness === undefined) this.#finish(failure)
    }
  }

  #end(): void {
    this.#state = { kind: 'ended', failure: undefined }
    this.#closing = setTimeout(() => this.#close(), closeTimeoutMs)
  }

  /** A witness that cannot go on, as on a full disk, ends the reading: the failure would be lost otherwise. */
  #showWitness(frame: Frame): void {
    try {
      this.#options.witness?.onFrame(frame)
    } catch (error) {
      this.#finish(error)
    }
  }

  get #isFull(): boolean {
    const { frames, bytes } = this.#options.batch
    return this.#filling.length >= frames || this.#fillingBytes >= bytes
  }

  #keep(frame: Frame, bytes: number): void {
    this.#entries++
    this.#filling.push(frame)
    this.#fillingBytes += bytes
    if (!this.#isFull) return
    if (this.#wake === undefined) this.#socket.pause()
    else this.#wakeUp()
  }

  #onClose(code: number): void {
    if (this.#state.kind === 'done') return
    this.#options.witness?.onClose(code)
    this.#close(code)
  }

  /** The connection is over: complete only after `"end"` and nothing behind it. */
  #close(code = 1006): void {
    if (this.#state.kind === 'ended') this.#finish(this.#state.failure)
    else this.#finish(this.#failed('no-end', `the gateway closed the socket (${code}) without "end"`))
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
    const tooSlow = createSlowness(idleTimeoutMs)
    let readMs = 0
    let lookedAt = this.#lastFrameAt
    this.#idle = setInterval(
      () => {
        const now = performance.now()
        const sinceMs = now - lookedAt
        lookedAt = now
        if (this.#socket.isPaused) return
        readMs += sinceMs
        const slow = this.#state.kind === 'reading' ? tooSlow(readMs, this.#entries) : undefined
        if (now - this.#lastFrameAt >= idleTimeoutMs)
          this.#finish(this.#failed('silence', `the gateway was silent for ${idleTimeoutMs / 1000} s`))
        else if (slow !== undefined) this.#finish(this.#failed('too-slow', slow))
      },
      Math.max(10, Math.min(1_000, idleTimeoutMs / 4)),
    )
  }

  #errorFailure(error: Error): unknown {
    // a reset after "end" is as good as a close
    if (this.#state.kind === 'ended') return this.#state.failure
    const code = 'code' in error ? String(error.code) : ''
    if (code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH')
      return this.#failed('frame-too-large', `a frame exceeds ${largestFrame >> 20} MiB`, error)
    if (code.startsWith('WS_ERR'))
      return this.#failed('bad-websocket', `the gateway broke the WebSocket protocol (${code})`, error)
    if (error.message === 'Opening handshake has timed out')
      return this.#failed('open-timeout', `the gateway did not open the socket within ${connectTimeoutMs / 1000} s`)
    return networkFailure(error, 'reading its data log').during({ entries: this.#entries })
  }

  #failed(code: GatewayCode, message: string, cause?: unknown): Failure {
    return gatewayFailure(code, message, { cause, work: { entries: this.#entries } })
  }

  readonly #onAbort = () => this.#finish(this.#signal.reason)

  #finish(failure: unknown): void {
    if (this.#state.kind === 'done') return
    this.#state = { kind: 'done', failure }
    this.#socket.terminate()
    this.#wakeUp()
  }

  #wakeUp(): void {
    const wake = this.#wake
    this.#wake = undefined
    wake?.()
  }
}
