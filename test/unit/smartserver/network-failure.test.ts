import { once } from 'node:events'
import { createServer } from 'node:http'
import { createServer as createTlsServer, type ServerOptions } from 'node:https'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import type { TlsTrust } from '../../../src/config/config.ts'
import { readCertificate } from '../../../src/smartserver/certificate.ts'
import { networkFailure } from '../../../src/smartserver/network-failure.ts'
import { restCall } from '../../../src/smartserver/rest.ts'
import { createAgent } from '../../../src/smartserver/trust.ts'
import { certificateFor } from '../../support/certificates.ts'

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

async function startTls(options: ServerOptions): Promise<string> {
  const server = createTlsServer(options, (_, answer) => answer.end('{}'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise(done => server.close(done))
  })
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function failureOf(url: string, trust: TlsTrust): Promise<unknown> {
  const agent = createAgent(trust)
  onTestFinished(() => agent.destroy())
  return restCall(url, agent, { method: 'GET', path: '/iap/version' }, signal).catch(error => error)
}

const system: TlsTrust = { kind: 'system' }
const good = certificateFor('127.0.0.1')
const old = { minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' } as const
const past = certificateFor('127.0.0.1', { fromDays: -10, toDays: -1 })
const future = certificateFor('127.0.0.1', { fromDays: 5, toDays: 10 })
const other = certificateFor('other.example')
const itself = (cert: string): TlsTrust => ({ kind: 'authority', ca: cert })

test.each<[what: string, server: ServerOptions, trust: TlsTrust, code: string, message: RegExp, advice: RegExp]>([
  ['self-signed', good, system, 'untrusted-certificate', /self-signed/, /fingerprint256/],
  [
    'of another authority',
    good,
    itself(other.cert),
    'untrusted-certificate',
    /self-signed|authority/,
    /fingerprint256/,
  ],
  ['of the past', past, itself(past.cert), 'untrusted-certificate', /has expired/, /Renew it.*clock/],
  ['of the future', future, itself(future.cert), 'untrusted-certificate', /not valid yet/, /clock of this machine/],
  ['for another name', other, itself(other.cert), 'untrusted-certificate', /another host name/, /host name in url/],
  [
    'of TLS 1.1',
    { ...good, ...old, maxVersion: 'TLSv1.1' },
    { kind: 'none' },
    'tls-incompatible',
    /TLS 1.2/,
    /release/,
  ],
  [
    'of TLS 1.0 that is pinned',
    { ...good, ...old, maxVersion: 'TLSv1' },
    { kind: 'fingerprint', fingerprint256: 'AB' },
    'tls-incompatible',
    /TLS 1.2/,
    /release/,
  ],
  [
    'that wants one of the client',
    { ...good, requestCert: true, rejectUnauthorized: true, ca: other.cert, maxVersion: 'TLSv1.3' },
    { kind: 'none' },
    'tls-incompatible',
    /certificate of the client/,
    /SmartServer/,
  ],
])('a certificate or server %s is named, with the advice that fits, and not tried again', async (_, server, trust, code, message, advice) => {
  const failure = await failureOf(await startTls(server), trust)
  expect(failure).toMatchObject({ code, retry: 'never', reach: 'gateway' })
  expect(failure).toMatchObject({ message: expect.stringMatching(message), advice: expect.stringMatching(advice) })
})

test.each([
  ['EMFILE', 'too-many-files', /ulimit -n/],
  ['ENFILE', 'too-many-files', /ulimit -n/],
  ['EACCES', 'connection-forbidden', /Allow/],
  ['ENOTFOUND', 'gateway-unreachable', /host name/],
  ['ECONNREFUSED', 'gateway-unreachable', /port/],
  ['ECONNRESET', 'connection-broken', /./],
])('%s is %s, with advice', (code, expected, advice) => {
  const error = Object.assign(new Error(code), { code })
  for (const it of [error, new AggregateError([error])]) {
    const failure = networkFailure(it, 'testing')
    expect(failure).toMatchObject({ code: expected, advice: expect.stringMatching(advice) })
    expect(failure.message).toContain(code)
  }
})
