import { once } from 'node:events'
import { request } from 'node:http'
import { connect } from 'node:net'
import { hostname } from 'node:os'
import { expect, onTestFinished, test } from 'vitest'
import { Metrics } from '../../../src/service/metrics.ts'
import { serveMetrics } from '../../../src/service/metrics-server.ts'

async function serve() {
  const server = await serveMetrics({ host: '127.0.0.1', port: 0 }, new Metrics(['g']))
  onTestFinished(() => server.close())
  return new URL(server.url)
}

function ask(url: URL, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const asking = request(url, { headers: { host } }, answer => {
      answer.resume()
      resolve(answer.statusCode)
    })
    asking.on('error', reject).end()
  })
}

test('metrics are shown to who asks by an address or a name of this machine, and to no other name', async () => {
  const url = await serve()
  const own = [url.host, 'localhost', `[::1]:${url.port}`, 'etl:9464', hostname(), `${hostname()}.example.com:9464`]
  for (const host of own) expect(await ask(url, host), host).toBe(200)
  for (const host of ['rebound.example.com', `127.0.0.1.nip.example:${url.port}`, `x${hostname()}.example.com`])
    expect(await ask(url, host), host).toBe(403)
})

test('connections that say nothing are few and are cut, and do not hold the metrics', async () => {
  const url = await serve()
  const silent = Array.from({ length: 200 }, () => connect(Number(url.port), '127.0.0.1').on('error', () => {}))
  onTestFinished(() => silent.forEach(socket => void socket.destroy()))
  // beyond 50 they are closed at once, and the rest when their time for headers is over
  await Promise.all(silent.map(socket => once(socket.resume(), 'close')))
  expect(await ask(url, url.host)).toBe(200)
}, 30_000)
