import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { readCertificate } from '../../../src/smartserver/certificate.ts'
import { restCall } from '../../../src/smartserver/rest.ts'
import { createAgent } from '../../../src/smartserver/trust.ts'

const { signal } = new AbortController()

async function startPlainHttp(): Promise<string> {
  const server = createServer((_, answer) => answer.end('plain'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise(done => server.close(done))
  })
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test.each([
  'call',
  'pinned call',
  'look at the certificate',
])('plain HTTP at the port of a url says what to check, by a %s', async way => {
  const url = await startPlainHttp()
  const agent = createAgent(way === 'call' ? { kind: 'none' } : { kind: 'fingerprint', fingerprint256: 'AB' })
  onTestFinished(() => agent.destroy())
  const trying =
    way === 'look at the certificate'
      ? readCertificate(url, signal)
      : restCall(url, agent, { method: 'GET', path: '/iap/version' }, signal)
  const failure = await trying.catch(error => error)
  expect(failure).toMatchObject({ code: 'no-tls', retry: 'later', reach: 'gateway' })
  expect(failure.advice).toContain('8443')
})
