import { createServer } from 'node:http'
import type { ListenAddress } from '../config/values.ts'
import { serviceFailure } from './failures.ts'
import type { Metrics } from './metrics.ts'

export interface MetricsServer {
  readonly url: string
  close(): Promise<void>
}

/** Shows the metrics at `/metrics`. Throws a Failure where the address cannot be had. */
export async function serveMetrics({ host, port }: ListenAddress, metrics: Metrics): Promise<MetricsServer> {
  const server = createServer((request, response) => {
    if (request.url !== '/metrics' || (request.method !== 'GET' && request.method !== 'HEAD')) {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('Metrics are at /metrics.\n')
      return
    }
    metrics.text().then(
      text => response.writeHead(200, { 'content-type': metrics.contentType }).end(text),
      () => response.writeHead(500).end(),
    )
  })
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
