import type https from 'node:https'
import type { GatewayConfig } from '../config/config.ts'
import type { Clock } from '../domain/clock.ts'
import type { Selector } from '../domain/datapoint.ts'
import type { Frame } from '../domain/entry.ts'
import { Failure } from '../domain/failure.ts'
import { type DataLogRequest, requestText } from '../domain/request.ts'
import { type BatchLimits, readDataLogSocket, type Witness } from './data-log.ts'
import { gatewayFailure } from './failures.ts'
import { GatewayClock } from './gateway-clock.ts'
import { type GeneralSocketEvents, keepGeneralSocket } from './general-socket.ts'
import { KnownNames } from './known-names.ts'
import { type DeviceIdOf, dataLogPath, sentSelector } from './log-query.ts'
import { createRateLimit, type RateLimit } from './rate-limit.ts'
import { answersTime } from './release.ts'
import type { RestAnswer, RestCall } from './rest.ts'
import { askJson, memberOf } from './rest-json.ts'
import { type Lease, Session } from './session.ts'
import { createAgent } from './trust.ts'

export interface GatewayOptions
  extends Pick<GatewayConfig, 'name' | 'url' | 'username' | 'password' | 'tls' | 'idleTimeout'> {
  readonly clock: Clock
  /** What is decoded, mapped and written at once. */
  readonly batch?: BatchLimits | undefined
  /** Given by commands that run once: REST calls keep a pace, and one that came too fast is made again after this. */
  readonly onTooFast?: (waitMs: number) => void
}

/** What the session knows the sockets by. */
const dataLogPlace = 'data log'
/** 10,000 entries are the middle of what InfluxDB takes best (docs/databases.md). */
const usualBatch: BatchLimits = { frames: 10_000, bytes: 4 * 1024 * 1024 }

/** One SmartServer, as the pipeline sees it. */
export class Gateway {
  readonly name: string
  readonly clock: GatewayClock
  readonly #options: GatewayOptions
  readonly #agent: https.Agent
  readonly #session: Session
  readonly #names = new KnownNames()
  readonly #rateLimit: RateLimit | undefined
  #release: string | undefined
  #deviceIdOf: DeviceIdOf | undefined

  constructor(options: GatewayOptions) {
    this.name = options.name
    this.#options = options
    this.clock = new GatewayClock(options.clock)
    this.#agent = createAgent(options.tls)
    const lookAtClock = () => this.clock.look()
    this.#session = new Session({ ...options, agent: this.#agent, lookAtClock })
    const { clock, onTooFast } = options
    this.#rateLimit = onTooFast && createRateLimit({ clock, onTooFast })
  }

  /** As the last `hello` learnt it; undefined: not known. */
  get release(): string | undefined {
    return this.#release
  }

  /** Logs in if need be and learns the gateway's release and clock. Throws a Failure of reach `gateway`. */
  async hello(signal: AbortSignal): Promise<{ release: string | undefined }> {
    const { status, body } = await this.call({ method: 'GET', path: '/iap/version' }, signal)
    if (status === 200) this.#release = releaseOf(body) ?? this.#release
    if (answersTime(this.#release)) await this.#askTime(signal)
    return { release: this.#release }
  }

  /**
   * A REST call with the shared login. Throws a Failure where no answer or no login is to be had, and for 429 (with
   * `onTooFast`: if that lasts); any other status returns.
   */
  async call(call: RestCall, signal: AbortSignal): Promise<RestAnswer> {
    const ask = () => this.#session.call(call, signal)
    return await (this.#rateLimit === undefined ? ask() : this.#rateLimit(ask, signal))
  }

  /** The general-purpose socket, kept open until the signal aborts: see `keepGeneralSocket`. */
  async keepGeneralSocket(events: GeneralSocketEvents, signal: AbortSignal): Promise<void> {
    const url = this.#socketUrl('/iap/ws')
    const { clock } = this.#options
    const parts = { url, agent: this.#agent, session: this.#session, clock, lookAtClock: () => this.clock.look() }
    await keepGeneralSocket(parts, events, signal)
  }

  /** A device whose name no query can say is asked for by its id from now on; undefined: without its name. */
  knowDevices(deviceIdOf: DeviceIdOf | undefined): void {
    this.#deviceIdOf = deviceIdOf
  }

  /** Path and query that a request would be sent with now. */
  pathOf(request: DataLogRequest): string {
    const form = this.#names.formOf(this.#sentOf(request))
    return dataLogPath(request, { release: this.#release, form, deviceIdOf: this.#deviceIdOf })
  }

  #sentOf({ selectors }: DataLogRequest): Selector {
    return sentSelector(selectors, this.#deviceIdOf)
  }

  /**
   * Streams the answer to a request in batches; returns normally only after `"end"` (law 2), otherwise throws a Failure
   * that names the work. A login that has ended is renewed. `witness` hears what really comes.
   */
  async *readDataLog(
    request: DataLogRequest,
    signal: AbortSignal,
    witness?: Witness,
  ): AsyncGenerator<readonly Frame[]> {
    const path = this.pathOf(request)
    const sent = this.#sentOf(request)
    const work = { gateway: this.name, selector: requestText(request), range: request.range }
    for (let attempt = 1; ; attempt++) {
      let lease: Lease | undefined
      try {
        lease = await this.#session.lease(signal)
        for await (const frames of readDataLogSocket({ ...this.#socketOptions(path, lease.cookie), witness }, signal)) {
          this.#names.look(sent, frames)
          yield frames
        }
        this.#session.honoured(lease.cookie, dataLogPlace)
        return
      } catch (error) {
        if (!(error instanceof Failure)) throw error
        const named = error.during(work)
        if (lease === undefined) throw named.reaching('gateway')
        if (await this.#isOfEndedLogin(error, lease, attempt, signal)) continue
        if (!gatewayFailure.is(error, 'upgrade-not-logged-in')) throw named
        const look = { place: dataLogPlace, isRetry: attempt > 1, refusal: named.reaching('gateway') }
        await this.#session.renounce(lease.cookie, look, signal).catch(reason => {
          throw reason instanceof Failure ? reason.during(work) : reason
        })
      } finally {
        lease?.release()
      }
    }
  }

  /** A gateway that says how long to wait is busy, and its refusal has nothing to do with the login. */
  async #isOfEndedLogin(error: Failure, { cookie }: Lease, attempt: number, signal: AbortSignal): Promise<boolean> {
    if (!gatewayFailure.is(error, 'upgrade-unavailable')) return false
    if (attempt > 1 || error.retryAfterMs !== undefined) return false
    try {
      return await this.#session.mayHaveEnded(cookie, signal)
    } catch (reason) {
      if (reason instanceof Failure) return false
      throw reason
    }
  }

  async close(): Promise<void> {
    await this.#session.close()
    this.#agent.destroy()
  }

  /** The gateway's own clock to the millisecond; whatever it answers instead, the `Date` header does as well. */
  async #askTime(signal: AbortSignal): Promise<void> {
    const look = this.clock.look()
    const json = await askJson(this, '/iap/cms/info/time', signal).catch(error => {
      if (signal.aborted) throw error
    })
    const shown = memberOf(json, 'value')
    if (typeof shown === 'string') look.time(shown)
  }

  #socketUrl(path: string): string {
    return `${this.#options.url.replace(/^http/, 'ws')}${path}`
  }

  #socketOptions(path: string, cookie: string) {
    const { idleTimeout, batch = usualBatch } = this.#options
    return {
      url: this.#socketUrl(path),
      cookie,
      agent: this.#agent,
      idleTimeoutMs: idleTimeout,
      batch,
      look: this.clock.look(),
    }
  }
}

/** `{"type":"…","value":"3.20.121"}` (protocol §1). */
function releaseOf(body: string): string | undefined {
  try {
    const json: unknown = JSON.parse(body)
    return typeof json === 'object' && json !== null && 'value' in json ? String(json.value) : undefined
  } catch {
    return undefined
  }
}
