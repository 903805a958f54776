import { describe, expect, it, onTestFinished } from 'vitest'
import type { WebSocket } from 'ws'
import { Failure } from '../../../src/domain/failure.ts'
import { readDataLogSocket, type Witness } from '../../../src/smartserver/data-log.ts'
import { createAgent } from '../../../src/smartserver/trust.ts'
import { freePort } from '../../support/free-port.ts'
import { type SmallGatewayScript, startSmallGateway } from '../../support/small-gateway.ts'

const end = '"end"'

interface Reading {
  readonly witness?: Witness
  readonly batchSize?: number
  readonly batchBytes?: number
  readonly idleTimeoutMs?: number
  readonly signal?: AbortSignal
}

async function open(
  script: SmallGatewayScript,
  { batchSize = 10, batchBytes = 1e9, idleTimeoutMs = 5_000, signal, witness }: Reading = {},
) {
  const gateway = await startSmallGateway(script)
  const agent = createAgent({ kind: 'none' })
  onTestFinished(() => agent.destroy())
  const dates: string[] = []
  const url = `${gateway.url.replace('https', 'wss')}/iap/ws?value=x`
  const socket = {
    url,
    cookie: 'cmsSID=sid1',
    agent,
    idleTimeoutMs,
    batch: { frames: batchSize, bytes: batchBytes },
    look: { date: (date: string) => void dates.push(date), time: () => {} },
    witness,
  }
  return { batches: readDataLogSocket(socket, signal ?? new AbortController().signal), dates }
}

/** Everything that came, batch by batch, and how it ended. */
async function read(onSocket: (socket: WebSocket) => void, reading: Reading = {}) {
  const { batches } = await open({ onSocket }, reading)
  const sizes: number[] = []
  const frames: string[] = []
  try {
    for await (const batch of batches) {
      sizes.push(batch.length)
      frames.push(...batch)
    }
    return { frames, sizes, failure: undefined }
  } catch (failure) {
    return { frames, sizes, failure }
  }
}

function send(socket: WebSocket, ...frames: string[]): void {
  for (const frame of frames) socket.send(frame)
}

function numbered(count: number, from = 0): string[] {
  return Array.from({ length: count }, (_, i) => `{"id":${from + i}}`)
}

/** What every failed request has in common: the same range is asked for again, and the work is named. */
function expectFailed(failure: unknown, code: string, entries: number, retry = 'soon'): void {
  expect(failure).toBeInstanceOf(Failure)
  expect(failure).toMatchObject({ code, retry, reach: 'request', work: { entries } })
}

describe('a data log', () => {
  it('is complete with "end": every frame as it came, in order, in batches', async () => {
    const sent = numbered(25)
    const { frames, sizes, failure } = await read(socket => {
      send(socket, ...sent, end)
      socket.close(1000)
    })
    expect(failure).toBeUndefined()
    expect(frames).toEqual(sent)
    expect(sizes.reduce((a, b) => a + b)).toBe(25)
    expect(sizes.every(size => size > 0)).toBe(true)
  })

  it('of large values comes in batches that are bounded in bytes', async () => {
    const sent = Array.from({ length: 40 }, (_, i) => `${i} ${'x'.repeat(300_000)}`)
    const { frames, sizes, failure } = await read(
      socket => {
        send(socket, ...sent, end)
        socket.close()
      },
      { batchSize: 1_000, batchBytes: 1_000_000 },
    )
    expect(failure).toBeUndefined()
    expect(frames).toHaveLength(40)
    // what one chunk from the network still brings may be added
    expect(Math.max(...sizes)).toBeLessThanOrEqual(5)
  })

  it('may be empty', async () => {
    expect(
      await read(socket => {
        send(socket, end)
        socket.close()
      }),
    ).toEqual({ frames: [], sizes: [], failure: undefined })
  })

  it.each([
    ['closes with any code', (socket: WebSocket) => socket.close(1011, 'oops')],
    ['closes without a code', (socket: WebSocket) => socket.close()],
    ['cuts the connection', (socket: WebSocket) => setTimeout(() => socket.terminate(), 20)],
    ['does not close at all', () => {}],
  ])('is complete after "end", even if the gateway then %s', async (_, close) => {
    const { frames, failure } = await read(socket => {
      send(socket, 'a', end)
      close(socket)
    })
    expect([frames, failure]).toEqual([['a'], undefined])
  })

  it.each([
    ['closes in good order', (socket: WebSocket) => socket.close(1000)],
    ['closes with an error', (socket: WebSocket) => socket.close(1011)],
    ['ends the connection', (socket: WebSocket) => setTimeout(() => socket.terminate(), 20)],
  ])('is a failure without "end", even if the gateway %s', async (_, close) => {
    const { failure } = await read(socket => {
      send(socket, ...numbered(3))
      close(socket)
    })
    expectFailed(failure, 'no-end', 3)
  })

  it.each([
    'end',
    '"END"',
    '{"end":true}',
    '"end"x',
    '["end"]',
  ])('is a failure if %j comes in place of "end"', async last => {
    const { failure } = await read(socket => {
      send(socket, 'a', last)
      socket.close()
    })
    expectFailed(failure, 'no-end', 2)
  })

  it('is a failure if the connection is reset', async () => {
    const { failure } = await read(socket => {
      socket.send('a', () => {
        // RST in place of FIN
        const { _socket: tls } = socket as unknown as {
          _socket: { _parent?: { resetAndDestroy(): void }; destroy(): void }
        }
        if (tls._parent === undefined) tls.destroy()
        else tls._parent.resetAndDestroy()
      })
    })
    expect(failure).toBeInstanceOf(Failure)
    expect(failure).toMatchObject({ retry: 'soon', reach: 'request' })
    expect(['no-end', 'connection-broken']).toContain((failure as Failure).code)
  })

  it('is a failure if more frames follow "end": they may be of another answer', async () => {
    const { failure } = await read(socket => send(socket, 'a', end, 'b'))
    expectFailed(failure, 'frame-after-end', 1)
  })

  it('is a failure if nothing comes for too long', async () => {
    const started = performance.now()
    const { failure } = await read(socket => send(socket, 'a', 'b'), { idleTimeoutMs: 100 })
    expectFailed(failure, 'silence', 2)
    expect(performance.now() - started).toBeGreaterThanOrEqual(100)
  })

  it('is a failure if a frame now and then keeps it from being silent', async () => {
    const { failure } = await read(
      socket => {
        const timer = setInterval(() => socket.send('a'), 40)
        socket.on('close', () => clearInterval(timer))
      },
      { idleTimeoutMs: 100 },
    )
    expect(failure).toMatchObject({ code: 'too-slow', retry: 'soon', reach: 'request' })
  })

  it('may take long as long as something comes', async () => {
    const { frames, failure } = await read(
      socket => {
        let left = 8
        const timer = setInterval(() => {
          if (left-- > 0) return socket.send('a')
          clearInterval(timer)
          send(socket, end)
          socket.close()
        }, 50)
      },
      { idleTimeoutMs: 300 },
    )
    expect(failure).toBeUndefined()
    expect(frames).toHaveLength(8)
  })

  it('with a binary frame keeps it as text: it becomes a dead letter and the rest goes on', async () => {
    const { frames, failure } = await read(socket => {
      socket.send(Buffer.from([0, 1, 255]))
      // binary, this is no "end"
      socket.send(Buffer.from(end))
      send(socket, 'a', end)
      socket.close()
    })
    expect(failure).toBeUndefined()
    expect(frames).toHaveLength(3)
    expect(frames[0]).toContain(Buffer.from([0, 1, 255]).toString('base64'))
    expect(frames[2]).toBe('a')
  })

  it('with a frame beyond any entry is a failure, and the frame is not kept', async () => {
    const { frames, failure } = await read(socket => send(socket, 'a', 'x'.repeat(1024 * 1024 + 1), end))
    expectFailed(failure, 'frame-too-large', 1, 'later')
    expect(frames.every(frame => frame.length < 10)).toBe(true)
  })

  it('with a frame of just one mebibyte is taken', async () => {
    const { frames, failure } = await read(socket => {
      send(socket, 'x'.repeat(1024 * 1024), end)
      socket.close()
    })
    expect(failure).toBeUndefined()
    expect(frames[0]).toHaveLength(1024 * 1024)
  })

  it('with bytes that are no WebSocket is a failure', async () => {
    const { failure } = await read(socket => {
      const { _socket: raw } = socket as unknown as { _socket: { write(bytes: Buffer): void } }
      raw.write(Buffer.from('HTTP/1.1 500 Oops\r\n\r\n'))
    })
    expectFailed(failure, 'bad-websocket', 0)
  })

  it('is asked for with the cookie, and tells the gateway’s clock where an answer does', async () => {
    let cookie: string | undefined
    const { batches, dates } = await open({
      refuse: request => {
        cookie = request.headers.cookie
        return { status: 503, headers: { date: 'Mon, 11 Apr 2022 08:00:00 GMT' } }
      },
    })
    await expect(batches.next()).rejects.toThrow(Failure)
    expect(cookie).toBe('cmsSID=sid1')
    expect(dates).toEqual(['Mon, 11 Apr 2022 08:00:00 GMT'])
  })
})

describe('a witness', () => {
  async function witness(onSocket: (socket: WebSocket) => void, reading: Reading = {}) {
    const heard: (string | number)[] = []
    const ears = { onFrame: (frame: string) => heard.push(frame), onClose: (code: number) => heard.push(code) }
    const { failure } = await read(onSocket, { ...reading, witness: ears })
    return { heard, failure }
  }

  it('hears all that came before a cut and how it was cut, however large the batches are', async () => {
    const { heard, failure } = await witness(
      socket => {
        send(socket, ...numbered(25))
        socket.close(1011)
      },
      { batchSize: 1_000 },
    )
    expectFailed(failure, 'no-end', 25)
    expect(heard).toEqual([...numbered(25), 1011])
  })

  it('hears everything that follows "end", and the request has failed all the same', async () => {
    const { heard, failure } = await witness(socket => {
      send(socket, 'a', end, 'b', end, 'c')
      socket.close(1000)
    })
    expectFailed(failure, 'frame-after-end', 1)
    expect(heard).toEqual(['a', end, 'b', end, 'c', 1000])
  })

  it('that cannot go on ends the reading with its reason', async () => {
    const full = new Error('disk full')
    const ears = {
      onFrame: () => {
        throw full
      },
      onClose: () => {},
    }
    const { failure } = await read(socket => send(socket, ...numbered(3)), { witness: ears })
    expect(failure).toBe(full)
  })

  it('does not keep a gateway that goes on after "end" from being left', async () => {
    const { heard, failure } = await witness(socket => send(socket, 'a', end, 'b'))
    expectFailed(failure, 'frame-after-end', 1)
    expect(heard).toEqual(['a', end, 'b'])
  })
})

describe('a refused data-log socket', () => {
  async function refusedWith(status: number, headers: Record<string, string> = {}): Promise<unknown> {
    const { batches } = await open({ refuse: () => ({ status, headers }) })
    return await batches.next().catch(error => error)
  }

  it.each([401, 403, 302, 200])('with status %i says that the login has ended', async status => {
    expect(await refusedWith(status, { location: '/cms' })).toMatchObject({
      code: 'upgrade-not-logged-in',
      retry: 'soon',
      reach: 'request',
    })
  })

  it('with 503 and Retry-After says how long to wait', async () => {
    expect(await refusedWith(503, { 'retry-after': '7' })).toMatchObject({
      code: 'upgrade-unavailable',
      reach: 'gateway',
      retryAfterMs: 7_000,
    })
  })

  it.each([
    undefined,
    'soon',
    '-3',
    'Wed, 21 Oct 2026 07:28:00 GMT',
  ])('with 503 and the Retry-After %j leaves the wait to us', async retryAfter => {
    const headers: Record<string, string> = retryAfter === undefined ? {} : { 'retry-after': retryAfter }
    const failure = await refusedWith(503, headers)
    expect(failure).toMatchObject({ code: 'upgrade-unavailable', retry: 'soon' })
    expect((failure as Failure).retryAfterMs).toBeUndefined()
  })

  it('with 404 can wait', async () => {
    expect(await refusedWith(404)).toMatchObject({ code: 'upgrade-refused', retry: 'later', reach: 'request' })
  })

  it('because nothing listens concerns the whole gateway', async () => {
    const agent = createAgent({ kind: 'none' })
    onTestFinished(() => agent.destroy())
    const url = `wss://127.0.0.1:${await freePort()}/iap/ws?value=x`
    const socket = {
      url,
      cookie: 'cmsSID=sid1',
      agent,
      idleTimeoutMs: 1_000,
      batch: { frames: 10, bytes: 1e6 },
      look: { date: () => {}, time: () => {} },
    }
    const failure = await readDataLogSocket(socket, new AbortController().signal)
      .next()
      .catch(error => error)
    expect(failure).toMatchObject({ code: 'gateway-unreachable', retry: 'soon', reach: 'gateway' })
    expect(String(failure)).not.toContain('sid1')
  })
})

describe('stopping', () => {
  it.each([
    ['waits for the first frame', 0],
    ['is in the midst of a batch', 3],
    ['has a full batch', 10],
  ])('ends a reading that %s at once, with the reason of the stop', async (_, frames) => {
    const stop = new AbortController()
    const reason = new Error('stopped by SIGTERM')
    let closed = false
    const { failure } = await read(
      socket => {
        send(socket, ...numbered(frames))
        socket.on('close', () => {
          closed = true
        })
        setTimeout(() => stop.abort(reason), 50)
      },
      { signal: stop.signal },
    )
    expect(failure).toBe(reason)
    await expect.poll(() => closed).toBe(true)
  })

  it('before the beginning opens no socket', async () => {
    const reason = new Error('stopped')
    let sockets = 0
    const { failure } = await read(() => sockets++, { signal: AbortSignal.abort(reason) })
    expect(failure).toBe(reason)
    expect(sockets).toBe(0)
  })

  it('by the consumer closes the socket', async () => {
    let closed = false
    const { batches } = await open({
      onSocket: socket => {
        send(socket, ...numbered(100))
        socket.on('close', () => {
          closed = true
        })
      },
    })
    for await (const batch of batches) {
      expect(batch.length).toBeGreaterThan(0)
      break
    }
    await expect.poll(() => closed).toBe(true)
  })
})

describe('a consumer that is busy', () => {
  it('makes the gateway wait: what is held does not grow, and nothing is lost in the end', async () => {
    const count = 20_000
    const text = 'x'.repeat(1_000)
    let server: WebSocket | undefined
    // shorter than the consumer is busy: silence counts only while the socket is read
    const { batches } = await open(
      {
        onSocket: socket => {
          server = socket
          for (let i = 0; i < count; i++) socket.send(`${i} ${text}`)
          send(socket, end)
          socket.close()
        },
      },
      { batchSize: 500, idleTimeoutMs: 2_000 },
    )
    let next = 0
    let widest = 0
    for await (const batch of batches) {
      widest = Math.max(widest, batch.length)
      for (const frame of batch) expect(Number.parseInt(frame, 10)).toBe(next++)
      if (next > 1_000 && next <= 1_000 + batch.length) {
        // until the server can send no more
        let before = -1
        await expect
          .poll(
            () => {
              const same = server!.bufferedAmount === before
              before = server!.bufferedAmount
              return same
            },
            { interval: 2_200, timeout: 40_000 },
          )
          .toBe(true)
        // of 20 MB the kernel's buffers take some, we no more than two batches
        expect(server!.bufferedAmount).toBeGreaterThan(8_000_000)
      }
    }
    expect(next).toBe(count)
    // a batch, and what one read of the connection brings beyond it
    expect(widest).toBeLessThan(700)
  })
})
