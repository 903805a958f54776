import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { rootCertificates } from 'node:tls'
import { HttpError, InfluxDB, RequestTimedOutError } from '@influxdata/influxdb-client'
import type { Endpoint, InfluxOptions } from './endpoint.ts'

/** The database answered, whatever it said; or nothing came back, and nobody knows what became of the request. */
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
  /** Never throws for what the other side does; throws the signal's reason as soon as it aborts. */
  send(request: HttpRequest, signal: AbortSignal): Promise<Outcome>
  close(): void
}

/** The official client's transport: TLS, status and headers visible. Its WriteApi loses points (docs/databases.md). */
export function openConnection(options: InfluxOptions, endpoint: Endpoint): Connection {
  const agent = openAgent(options, endpoint)
  const { transport } = new InfluxDB({
    url: endpoint.url,
    timeout: options.timeout,
    headers: authorization(options),
    transportOptions: { agent },
  })

  return {
    async send({ method, path, body = '', headers = {} }, signal) {
      signal.throwIfAborted()
      // One controller a request: the transport never takes its listeners off a signal, nor ends a request that timed out.
      const request = new AbortController()
      const stop = () => request.abort()
      signal.addEventListener('abort', stop, { once: true })
      try {
        return await new Promise<Outcome>((resolve, reject) => {
          const chunks: Uint8Array[] = []
          let status = 0
          let answered: Headers = {}
          // Typed as a string, but handed to Buffer.from, which takes bytes as they are.
          transport.send(
            path,
            body as string,
            { method, headers: { ...headers }, signal: request.signal },
            {
              responseStarted(received, statusCode) {
                status = statusCode ?? 0
                answered = received
              },
              next: chunk => void chunks.push(chunk),
              complete: () => resolve({ status, headers: answered, body: Buffer.concat(chunks).toString() }),
              error: error => (signal.aborted ? reject(signal.reason) : resolve(outcomeOf(error))),
            },
          )
        })
      } finally {
        signal.removeEventListener('abort', stop)
        request.abort()
      }
    },
    close: () => agent.destroy(),
  }
}

/** The client's own proxyUrl would hand an https request to the proxy in clear; Node's agent makes a tunnel. */
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
  if (error instanceof HttpError)
    return { status: error.statusCode, headers: error.headers ?? {}, body: error.body ?? '' }
  if (error instanceof RequestTimedOutError)
    return { status: undefined, code: 'TIMEOUT', detail: 'no answer within the timeout' }
  // AbortError: the answer was cut off in the middle.
  const code = error.name === 'AbortError' ? 'CUT' : (error as NodeJS.ErrnoException).code
  return { status: undefined, code: code ?? 'UNKNOWN', detail: messageOf(error) }
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
