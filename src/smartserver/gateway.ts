import type https from 'node:https'
import type { TlsTrust } from '../config/schema.ts'
import type { Clock } from '../domain/clock.ts'
import type { Frame } from '../domain/entry.ts'
import { Failure } from '../domain/failure.ts'
import { type DataLogRequest, requestText } from '../domain/request.ts'
import { readDataLogSocket } from './data-log.ts'
import { GatewayClock } from './gateway-clock.ts'
import { dataLogPath } from './query.ts'
import { loginNotHonoured, Session } from './session.ts'
import { createAgent } from './trust.ts'

export interface GatewayOptions {
  readonly name: string
  /** `https://host[:port]`, without a path. */
  readonly url: string
  readonly username: string
  readonly password: string
  readonly tls: TlsTrust
  /** Milliseconds of silence after which a data-log socket has failed. */
  readonly idleTimeout: number
  readonly clock: Clock
  /** Frames a batch: what is decoded, mapped and written at once. */
  readonly batchSize?: number
}

/** 10,000 entries are the middle of what InfluxDB takes best (design §9). */
const usualBatchSize = 10_000

/** One SmartServer, as the pipeline sees it. */
export class Gateway {
  readonly name: string
  readonly clock: GatewayClock
  readonly #options: GatewayOptions
  readonly #agent: https.Agent
  readonly #session: Session

  constructor(options: GatewayOptions) {
    this.name = options.name
    this.#options = options
    this.clock = new GatewayClock(options.clock)
    this.#agent = createAgent(options.tls)
    this.#session = new Session({ ...options, agent: this.#agent, onDate: this.clock.note })
  }

  /** Logs in if need be and learns the gateway's clock and release. Throws a Failure of reach `gateway`. */
  async hello(signal: AbortSignal): Promise<{ release: string | undefined }> {
    const { status, body } = await this.#session.call({ method: 'GET', path: '/iap/version' }, signal)
    return { release: status === 200 ? releaseOf(body) : undefined }
  }

  /**
   * Streams the answer to a request in batches; returns normally only after `"end"` (law 2), otherwise throws a Failure
   * that names the work. A login that has ended is renewed once.
   */
  async *readDataLog(request: DataLogRequest, signal: AbortSignal): AsyncGenerator<readonly Frame[]> {
    const path = dataLogPath(request)
    for (let attempt = 1; ; attempt++) {
      const lease = await this.#session.lease(signal)
      try {
        yield* readDataLogSocket(this.#socketOptions(path, lease.cookie), signal)
        return
      } catch (error) {
        if (!(error instanceof Failure)) throw error
        const named = error.during({
          gateway: this.name,
          selector: requestText(request),
          range: request.range,
        })
        if (error.code !== 'upgrade-not-logged-in') throw named
        this.#session.expire(lease.cookie)
        if (attempt === 2) throw loginNotHonoured(401).during(named.work)
      } finally {
        lease.release()
      }
    }
  }

  async close(): Promise<void> {
    await this.#session.close()
    this.#agent.destroy()
  }

  #socketOptions(path: string, cookie: string) {
    const { url, idleTimeout, batchSize = usualBatchSize } = this.#options
    return {
      url: `${url.replace(/^http/, 'ws')}${path}`,
      cookie,
      agent: this.#agent,
      idleTimeoutMs: idleTimeout,
      batchSize,
      onDate: this.clock.note,
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
