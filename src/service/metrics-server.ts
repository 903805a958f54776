import { createServer } from 'node:http'
import { isIP } from 'node:net'
import { hostname } from 'node:os'
import type { ListenAddress } from '../config/values.ts'
import { serviceFailure } from './failures.ts'
import type { Metrics } from './metrics.ts'

interface MetricsServer {
  readonly url: string
  close(): Promise<void>
}

/** A scrape every few seconds by some programs needs few; connections that say nothing must not fill the process. */
const mostConnections = 50
const limits = {
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5_000,
  // how often Node looks for connections that are past these times
  connectionsCheckingInterval: 1_000,
}

/** Shows the metrics at `/metrics`. Throws a Failure where the address cannot be had. */
export async function serveMetrics({ host, port }: ListenAddress, metrics: Metrics): Promise<MetricsServer> {
  const server = createServer(limits, (request, response) => {
    if (!isOwnHost(request.headers.host, host)) {
      const text = 'This name is not known here. Use an IP address, or the name of this machine or of metrics.listen.\n'
      response.writeHead(403, { 'content-type': 'text/plain' }).end(text)
      return
    }
    if (request.url !== '/metrics' || (request.method !== 'GET' && request.method !== 'HEAD')) {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('Metrics are at /metrics.\n')
      return
    }
    metrics.text().then(
      text => response.writeHead(200, { 'content-type': metrics.contentType }).end(text),
      () => response.writeHead(500).end(),
    )
  })
  server.maxConnections = mostConnections
  server.setTimeout(limits.requestTimeout)
  await new Promise<void>((done, fail) => {
    server.once('error', fail)
    server.listen(port, host, done)
  }).catch(error => {
    throw serviceFailure(
      'metrics-listen',
      `metrics.listen: cannot listen at ${host}:${port} (${(error as NodeJS.ErrnoException).code})`,
      { cause: error },
    )
  })
  // an aid: what befalls it later ends no sync
  server.on('error', () => {})
  const address = server.address()
  const shownPort = typeof address === 'object' && address !== null ? address.port : port
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${shownPort}/metrics`,
    close: () =>
      new Promise(done => {
        server.close(() => done())
        server.closeAllConnections()
      }),
  }
}

/**
 * A web page can give its own name the address of this server (DNS rebinding), and its visitor's browser reads the metrics
 * to it. Such a name has a dot, and is neither an address nor a name of this machine.
 */
function isOwnHost(header: string | undefined, listening: string): boolean {
  const name = header
    ?.replace(/:\d+$/, '')
    .replace(/^\[|\]$/g, '')
    .toLowerCase()
  if (name === undefined || isIP(name) > 0 || !name.includes('.')) return true
  const own = hostname().toLowerCase()
  return name === listening.toLowerCase() || name === own || name.startsWith(`${own}.`)
}
