import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import { Failure } from '../../../src/domain/failure.ts'
import { type GeneralSocketEvents, keepGeneralSocket } from '../../../src/smartserver/general-socket.ts'
import type { LoggedOutLook } from '../../../src/smartserver/session.ts'
import { createAgent } from '../../../src/smartserver/trust.ts'
import { certificateFor } from '../../support/certificates.ts'
import { steeredClock } from '../../support/steered-clock.ts'

/** A gateway of the test's own, so that it can be as silent and as rude as needed. */
async function openServer() {
  const server = createServer(certificateFor('test'))
  const sockets = new WebSocketServer({ noServer: true, autoPong: false })
  const opened: { socket: WebSocket; cookie: string | undefined; path: string | undefined }[] = []
  const it = { server, opened, refuseWith: 0, upgrades: 0 }
  server.on('upgrade', (request, raw, head) => {
    it.upgrades++
    if (it.refuseWith > 0) {
      raw.end(`HTTP/1.1 ${it.refuseWith} No\r\nContent-Length: 0\r\n\r\n`)
      return
    }
    sockets.handleUpgrade(request, raw, head, socket =>
      opened.push({ socket, cookie: request.headers.cookie, path: request.url }),
    )
  })
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  return { ...it, set: (status: number) => (it.refuseWith = status), count: () => it.upgrades }
}

let gateway: Awaited<ReturnType<typeof openServer>>
let stop: AbortController
let kept: Promise<void>
beforeEach(async () => {
  gateway = await openServer()
  stop = new AbortController()
})
afterEach(async () => {
  stop.abort()
  await kept
  for (const { socket } of gateway.opened) socket.terminate()
  gateway.server.closeAllConnections()
  await new Promise(done => gateway.server.close(done))
})

function keep(events: Partial<GeneralSocketEvents>, pingEveryMs = 60_000, provenAfterMs = 60_000) {
  const clock = steeredClock()
  clock.runFreely()
  let logins = 1
  const renounced: string[] = []
  const released: string[] = []
  const session = {
    async lease() {
      const cookie = `cmsSID=${logins}`
      return { cookie, release: () => void released.push(cookie) }
    },
    // as a session does: one new login, and then the socket is to blame
    renounce: async (cookie: string, { refusal }: LoggedOutLook) => {
      renounced.push(cookie)
      if (logins++ > 1) throw refusal
    },
  }
  const { port } = gateway.server.address() as AddressInfo
  const parts = {
    url: `wss://127.0.0.1:${port}/iap/ws`,
    agent: createAgent({ kind: 'none' }),
    session,
    clock,
    lookAtClock: () => ({ date: () => {}, time: () => {} }),
    pingEveryMs,
    provenAfterMs,
  }
  kept = keepGeneralSocket(parts, { onUpdate: () => {}, ...events }, stop.signal)
  return { clock, renounced, released }
}

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise(resolve => setTimeout(resolve, 5))
}

test('updates come as they are sent, without a query and with the login', async () => {
  const seen: string[] = []
  keep({ onUpdate: update => seen.push('raw' in update ? update.raw : update.reason) })
  await until(() => gateway.opened.length === 1)
  expect(gateway.opened[0]).toMatchObject({ cookie: 'cmsSID=1', path: '/iap/ws' })
  for (const frame of ['{"action":"UPD:CPU","payload":1}', 'nonsense', '{"action":"NEW"}'])
    gateway.opened[0]!.socket.send(frame)
  await until(() => seen.length === 3)
  expect(seen).toEqual(['UPD:CPU', 'not-json', 'NEW'])
})

test('a lost socket is opened again, and subscribed to again', async () => {
  let openings = 0
  const troubles: Failure[] = []
  const { released } = keep({
    onOpen: async () => void openings++,
    onTrouble: failure => troubles.push(failure),
  })
  for (let round = 1; round <= 3; round++) {
    await until(() => gateway.opened.length === round && openings === round)
    gateway.opened[round - 1]!.socket.close(1001)
  }
  await until(() => openings === 4)
  expect(troubles.map(({ code }) => code)).toEqual(Array(3).fill('general-socket-closed'))
  expect(released).toHaveLength(3)
})

test('a socket that answers no ping is given up', async () => {
  const troubles: string[] = []
  keep({ onTrouble: ({ code }) => troubles.push(code) }, 20)
  await until(() => gateway.opened.length >= 2)
  expect(troubles[0]).toBe('general-socket-silent')
})

test.each([
  401, 403, 302, 200,
])('a login that is refused with %i is left to the session to be renewed', async status => {
  gateway.set(status)
  const waits: number[] = []
  const { renounced } = keep({ onTrouble: (_, waitMs) => waits.push(waitMs) })
  await until(() => waits.length >= 10)
  expect(renounced.slice(0, 2)).toEqual(['cmsSID=1', 'cmsSID=2'])
  expectBackoff(waits.slice(0, 4), [1_000, 2_000, 4_000, 8_000])
  expect(Math.max(...waits)).toBeLessThanOrEqual(300_000)
  gateway.set(0)
  await until(() => gateway.opened.length === 1)
})

const closings = (troubles: readonly [string, number][]) =>
  troubles.filter(([code]) => code === 'general-socket-closed').map(([, waitMs]) => waitMs)

test('a socket that opens and is lost at once is opened again after longer and longer waits', async () => {
  const troubles: [string, number][] = []
  keep({ onTrouble: ({ code }, waitMs) => troubles.push([code, waitMs]), onOpen: async () => {} })
  for (let round = 1; round <= 5; round++) {
    await until(() => gateway.opened.length === round)
    gateway.opened[round - 1]!.socket.close(1001)
  }
  await until(() => closings(troubles).length === 5)
  expectBackoff(closings(troubles), [1_000, 2_000, 4_000, 8_000, 16_000])
})

test('a socket that answered a ping, or just lived, is opened again after a short wait', async () => {
  for (const [pingEveryMs, provenAfterMs] of [
    // long enough for an answer on a busy machine
    [300, 60_000],
    [60_000, 20],
  ] as const) {
    const troubles: [string, number][] = []
    keep({ onTrouble: ({ code }, waitMs) => troubles.push([code, waitMs]) }, pingEveryMs, provenAfterMs)
    for (let round = 1; round <= 3; round++) {
      await until(() => gateway.opened.length === round)
      const { socket } = gateway.opened[round - 1]!
      let pings = 0
      socket.on('ping', () => {
        pings++
        socket.pong()
      })
      // the second ping shows that the answer to the first was heard
      await (pingEveryMs < 60_000 ? until(() => pings === 2) : new Promise(resolve => setTimeout(resolve, 300)))
      socket.close(1001)
    }
    await until(() => closings(troubles).length === 3)
    expectBackoff(closings(troubles), [1_000, 1_000, 1_000])
    stop.abort()
    await kept
    stop = new AbortController()
    gateway.opened.length = 0
  }
})

test('a socket that cannot be subscribed to is no better than a lost one', async () => {
  const waits: number[] = []
  keep(
    {
      onOpen: async () => {
        await new Promise(resolve => setTimeout(resolve, 60))
        throw new Failure('refused', { code: 'rest-busy', retry: 'soon', reach: 'gateway' })
      },
      onTrouble: (_, waitMs) => waits.push(waitMs),
    },
    60_000,
    10,
  )
  await until(() => waits.length === 4)
  expectBackoff(waits, [1_000, 2_000, 4_000, 8_000])
})

test('a handler that fails costs the socket and no more', async () => {
  const troubles: string[] = []
  keep({
    onUpdate: () => {
      throw new Error('a bug')
    },
    onTrouble: ({ message }) => troubles.push(message),
  })
  await until(() => gateway.opened.length === 1)
  gateway.opened[0]!.socket.send('{}')
  await until(() => gateway.opened.length === 2)
  expect(troubles).toEqual(['a bug'])
})

test('an abort ends it at any moment, also while it waits for a login', async () => {
  for (const moment of ['login', 'opening', 'open']) {
    const { released } = keep({})
    if (moment === 'opening') await new Promise(setImmediate)
    if (moment === 'open') await until(() => gateway.opened.length > 0)
    stop.abort()
    await kept
    expect(released).toHaveLength(1)
    stop = new AbortController()
    gateway.opened.length = 0
  }
})

/** Up to a half of each wait is left out at random. */
function expectBackoff(waits: readonly number[], full: readonly number[]): void {
  expect(waits).toHaveLength(full.length)
  for (const [i, ms] of waits.entries()) {
    expect(ms).toBeGreaterThanOrEqual(full[i]! / 2)
    expect(ms).toBeLessThanOrEqual(full[i]!)
  }
}
