import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { TlsTrust } from '../../../src/config/config.ts'
import { Failure } from '../../../src/domain/failure.ts'
import { makeCertificate } from '../../../src/simulator/certificate.ts'
import { readDataLogSocket } from '../../../src/smartserver/data-log.ts'
import { restCall } from '../../../src/smartserver/rest.ts'
import { createAgent } from '../../../src/smartserver/trust.ts'
import { startSmallGateway } from '../../support/small-gateway.ts'

const signal = new AbortController().signal
const secret = { username: 'etl', password: 'hunter2' }

function agentOf(trust: TlsTrust, handshakeTimeoutMs?: number) {
  const agent = createAgent(trust, handshakeTimeoutMs)
  onTestFinished(() => agent.destroy())
  return agent
}

async function post(url: string, trust: TlsTrust, handshakeTimeoutMs?: number): Promise<unknown> {
  const call = { method: 'POST', path: '/iap/auth/login', json: secret } as const
  return await restCall(url, agentOf(trust, handshakeTimeoutMs), call, signal).catch(error => error)
}

async function readSocket(url: string, trust: TlsTrust): Promise<unknown> {
  const frames: string[] = []
  const socket = {
    url: `${url.replace('https', 'wss')}/iap/ws?value=x`,
    cookie: 'cmsSID=secret',
    agent: agentOf(trust),
    idleTimeoutMs: 5_000,
    batch: { frames: 10, bytes: 1e6 },
    look: { date: () => {}, time: () => {} },
  }
  try {
    for await (const batch of readDataLogSocket(socket, signal)) frames.push(...batch)
    return frames
  } catch (error) {
    return error
  }
}

async function startGateway() {
  return await startSmallGateway({
    answer: () => ({ body: '{}' }),
    onSocket: socket => {
      socket.send('one')
      socket.send('"end"')
      socket.close()
    },
  })
}

describe('a gateway is trusted', () => {
  it('by its fingerprint, for calls and sockets alike', async () => {
    const { url, fingerprint256, seen } = await startGateway()
    const trust: TlsTrust = { kind: 'fingerprint', fingerprint256 }
    expect(await post(url, trust)).toMatchObject({ status: 200 })
    expect(seen.bytes).toBeGreaterThan(100)
    expect(await readSocket(url, trust)).toEqual(['one'])
  })

  it('by its authority, for calls and sockets alike', async () => {
    const { url, certificatePem } = await startGateway()
    const trust: TlsTrust = { kind: 'authority', ca: certificatePem }
    expect(await post(url, trust)).toMatchObject({ status: 200 })
    expect(await readSocket(url, trust)).toEqual(['one'])
  })

  it('without a look where the configuration says so', async () => {
    const { url } = await startGateway()
    expect(await post(url, { kind: 'none' })).toMatchObject({ status: 200 })
    expect(await readSocket(url, { kind: 'none' })).toEqual(['one'])
  })
})

describe('a gateway that is not the right one', () => {
  const wrong: [string, string, () => Promise<TlsTrust>][] = [
    [
      'another fingerprint',
      'wrong-fingerprint',
      async () => ({ kind: 'fingerprint', fingerprint256: makeCertificate('127.0.0.1').fingerprint256 }),
    ],
    [
      'another authority',
      'untrusted-certificate',
      async () => ({ kind: 'authority', ca: makeCertificate('127.0.0.1').certificatePem }),
    ],
    ['a self-signed certificate that is not pinned', 'untrusted-certificate', async () => ({ kind: 'system' })],
  ]

  it.each(wrong)('because of %s is sent nothing: not a byte of password or cookie', async (_, code, trust) => {
    const gateway = await startGateway()
    const expected = { code, retry: 'never', reach: 'gateway' }
    for (const error of [await post(gateway.url, await trust()), await readSocket(gateway.url, await trust())]) {
      expect(error).toBeInstanceOf(Failure)
      expect(error).toMatchObject(expected)
      expect((error as Failure).advice).toBeTruthy()
    }
    expect(gateway.seen.connections).toBe(2)
    expect(gateway.seen.bytes).toBe(0)
    expect(gateway.asked).toEqual([])
  })
})

describe('a gateway that takes the connection and says nothing more', () => {
  async function startMute() {
    const open = new Set<Socket>()
    const server = createServer(socket => void open.add(socket.resume().on('close', () => open.delete(socket)))).listen(
      0,
      '127.0.0.1',
    )
    await once(server, 'listening')
    onTestFinished(() => {
      for (const socket of open) socket.destroy()
      server.close()
    })
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('no address')
    return { url: `https://127.0.0.1:${address.port}`, open }
  }

  it('is given up although its certificate is still awaited', async () => {
    const { url, open } = await startMute()
    const error = await post(url, { kind: 'fingerprint', fingerprint256: 'AB:CD' }, 100)
    expect(error).toBeInstanceOf(Failure)
    expect(error).toMatchObject({ code: 'gateway-silent', retry: 'soon', reach: 'gateway' })
    await expect.poll(() => open.size).toBe(0)
  })

  it('is let go when the agent is no longer needed', async () => {
    const { url, open } = await startMute()
    const agent = createAgent({ kind: 'fingerprint', fingerprint256: 'AB:CD' })
    const stop = new AbortController()
    const call = restCall(url, agent, { method: 'GET', path: '/iap/version' }, stop.signal).catch(error => error)
    await expect.poll(() => open.size).toBe(1)
    stop.abort(new Error('stopped'))
    expect(await call).toBe(stop.signal.reason)
    agent.destroy()
    await expect.poll(() => open.size).toBe(0)
  })
})
