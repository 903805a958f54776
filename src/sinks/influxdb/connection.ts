import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { rootCertificates } from 'node:tls'
import { createGunzip } from 'node:zlib'
import { jsonValuesIn, mostJsonValues } from '../json-size.ts'
import type { Endpoint, InfluxOptions } from './endpoint.ts'

/** The database answered, with whatever status; or no whole answer came, and what became of the request is unknown. */
export type Outcome =
  | { readonly status: number; readonly headers: Headers; readonly body: string }
  | { readonly status: undefined; readonly code: string; readonly detail: string }

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>

export interface HttpRequest {
  readonly method: 'GET' | 'POST'
  /** Below the endpoint's URL, with its query. */
  readonly path: string
  readonly body?: Uint8Array | string
  readonly headers?: Readonly<Record<string, string>>
}

export interface Connection {
  /** Does not throw for what the other side does; throws the signal's reason as soon as it aborts. */
  send(request: HttpRequest, signal: AbortSignal): Promise<Outcome>
  close(): void
}

/** More of an answer is not held in memory: the query must ask for less. */
const mostBytes = 16 * 1024 * 1024

/** A request as a whole, so that bytes that trickle do not hold it for ever; see `InfluxOptions.timeout`. */
function wholeTimeoutMs({ timeout }: InfluxOptions): number {
  return Math.max(timeout, Math.min(5 * timeout, 300_000))
}

/**
 * Node's own client: the one of InfluxDB cuts texts of errors after 1,000 characters, and what is cut off may be the list
 * of bad lines; its WriteApi loses points (docs/databases.md).
 */
export function openConnection(options: InfluxOptions, endpoint: Endpoint): Connection {
  const agent = openAgent(options, endpoint)
  const start = endpoint.url.startsWith('https:') ? httpsRequest : httpRequest
  const common = { agent, timeout: options.timeout }
  const wholeMs = wholeTimeoutMs(options)

  return {
    async send({ method, path, body = '', headers = {} }, signal) {
      signal.throwIfAborted()
      const { promise, resolve } = Promise.withResolvers<Outcome>()
      const request = start(`${endpoint.url}${path}`, {
        ...common,
        method,
        headers: { ...authorization(options), 'content-length': Buffer.byteLength(body), ...headers },
      })
      const stop = (error: Error) => {
        resolve(outcomeOf(error))
        request.destroy()
      }
      const abort = () => stop(failed('ABORTED', 'stopped'))
      signal.addEventListener('abort', abort, { once: true })
      const seconds = (ms: number) => `${ms / 1000} s`
      const whole = setTimeout(() => stop(failed('TIMEOUT', `no complete answer within ${seconds(wholeMs)}`)), wholeMs)
      request.on('timeout', () => stop(failed('TIMEOUT', `not a byte within ${seconds(options.timeout)}`)))
      request.on('error', stop)
      request.on('response', response =>
        bodyOf(response).then(
          text => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }),
          error => stop(error.code === 'TOO_LARGE' ? error : failed('CUT', error.message)),
        ),
      )
      request.end(body)
      try {
        const outcome = await promise
        signal.throwIfAborted()
        return outcome
      } finally {
        signal.removeEventListener('abort', abort)
        clearTimeout(whole)
      }
    },
    close: () => agent.destroy(),
  }
}

async function bodyOf(response: IncomingMessage): Promise<string> {
  const isZipped = response.headers['content-encoding'] === 'gzip'
  const chunks: Buffer[] = []
  let bytes = 0
  let values = 0
  // counted as it is after gunzip: a few bytes on the wire may become any number
  for await (const chunk of isZipped ? response.compose(createGunzip()) : response) {
    bytes += chunk.length
    values += jsonValuesIn(chunk)
    if (bytes > mostBytes) throw failed('TOO_LARGE', `an answer is longer than ${mostBytes / 1024 / 1024} MiB`)
    if (values > mostJsonValues) throw failed('TOO_LARGE', `an answer holds more than ${mostJsonValues} values`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

function failed(code: string, message: string): Error {
  return Object.assign(new Error(message), { code })
}

/** Through a proxy, https goes by a tunnel. */
function openAgent({ ca, proxy }: InfluxOptions, { url }: Endpoint): HttpAgent {
  const common = {
    keepAlive: true,
    ...(proxy === undefined ? {} : { proxyEnv: { HTTP_PROXY: proxy, HTTPS_PROXY: proxy } }),
  }
  if (!url.startsWith('https:')) return new HttpAgent(common)
  // Node takes ca in endpoint of its own list: the system's authorities stay trusted beside it.
  return new HttpsAgent({ ...common, ...(ca === undefined ? {} : { ca: [...rootCertificates, ca] }) })
}

function outcomeOf(error: Error): Outcome {
  return { status: undefined, code: (error as NodeJS.ErrnoException).code ?? 'UNKNOWN', detail: messageOf(error) }
}

/** Several addresses of one name (localhost) fail together: their messages are inside. */
function messageOf(error: Error): string {
  if (error instanceof AggregateError) return error.errors.map(inner => (inner as Error).message).join(', ')
  return error.message
}

function authorization({ token, username, password }: InfluxOptions): Record<string, string> {
  if (token !== undefined) return { authorization: `Token ${token}` }
  if (username === undefined) return {}
  return { authorization: `Basic ${Buffer.from(`${username}:${password ?? ''}`).toString('base64')}` }
}
