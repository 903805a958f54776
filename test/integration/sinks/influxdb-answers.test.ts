import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import type { Clock } from '../../../src/domain/clock.ts'
import { Failure } from '../../../src/domain/failure.ts'
import type { InfluxOptions } from '../../../src/sinks/influxdb/endpoint.ts'
import { openInfluxSink } from '../../../src/sinks/influxdb/influx-sink.ts'
import { countOf, type Sink } from '../../../src/sinks/sink.ts'
import { certificateFor } from '../../support/certificates.ts'
import { makePoint, makePoints, makeSeries } from '../../support/points.ts'
import { openProxy } from '../../support/proxy.ts'
import { recordedLog } from '../../support/recorded-log.ts'
import { recordedExchanges } from '../../support/recordings.ts'
import { influxdb3 } from '../../support/write-habits.ts'
import {
  type Behaviour,
  openWriteServer,
  type Reply,
  takeEverything,
  type WriteServer,
  type WriteServerOptions,
} from '../../support/write-server.ts'

const never = new AbortController().signal
const at = 1_600_000_000_000
const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const it of open.splice(0).toReversed()) await it.close()
})

async function server(options?: WriteServerOptions): Promise<WriteServer> {
  const opened = await openWriteServer(options)
  open.push(opened)
  return opened
}

/** A clock that waits in no time and remembers how long it should have been. */
function countingClock(): Clock & { readonly slept: number[] } {
  const slept: number[] = []
  let skipped = 0
  return {
    slept,
    now: () => Date.now() + skipped,
    elapsed: () => performance.now() + skipped,
    async sleep(ms, signal) {
      signal?.throwIfAborted()
      slept.push(ms)
      skipped += ms
    },
  }
}

async function sinkFor(
  { url }: { url: string },
  change: Partial<InfluxOptions> = {},
  clock: Clock = countingClock(),
): Promise<Sink> {
  const options = { url, org: 'o', bucket: 'b', token: 'hush-token', timeout: 2_000, ...change }
  const sink = await openInfluxSink(options, { clock, log: recordedLog().log })
  open.push(sink)
  return sink
}

/** These answers first, one a write; then everything is taken. */
function first(...replies: Reply[]): Behaviour {
  return (lines, number) => {
    const reply = replies[number]
    return reply === undefined ? takeEverything(lines, number) : { stored: [], reply }
  }
}

const points = makePoints(makeSeries(), 100)
const done = { written: 100, rejected: [] }

describe('a database that is busy', () => {
  it('is given the seconds or the date that it asks for', async () => {
    const target = await server()
    const clock = countingClock()
    const date = new Date(Math.ceil(Date.now() / 1000) * 1000 + 107_000).toUTCString()
    target.behave(
      first({ status: 429, headers: { 'retry-after': '7' } }, { status: 503, headers: { 'retry-after': date } }),
    )
    expect(await (await sinkFor(target, {}, clock)).write(points, never)).toEqual(done)
    expect(clock.slept[0]).toBe(7_000)
    expect(clock.slept[1]).toBeGreaterThan(95_000)
  })

  it('is left alone by both writes under way for as long as it asks one of them', async () => {
    const target = await server()
    const clock = countingClock()
    const sink = await sinkFor(target, {}, clock)
    target.behave((lines, number) =>
      number === 0
        ? { stored: [], reply: { status: 429, headers: { 'retry-after': '20' } } }
        : { stored: lines, reply: { status: 204, delayMs: number === 1 ? 50 : 0 } },
    )
    const began = clock.now()
    const sent: number[] = []
    const later = (i: number) => makePoints(makeSeries(), 10, at + i * 1e6)
    await Promise.all([sink.write(later(0), never), sink.write(later(1), never)])
    for (let i = 2; i < 4; i++) {
      await sink.write(later(i), never)
      sent.push(clock.now() - began)
    }
    expect(clock.slept[0]).toBe(20_000)
    for (const ms of sent) expect(ms).toBeGreaterThanOrEqual(20_000)
  })

  it('is asked less and less often, up to every half minute, and gets the same lines each time', async () => {
    const target = await server()
    const clock = countingClock()
    target.behave(first(...Array.from({ length: 15 }, () => ({ status: 503 }))))
    expect(await (await sinkFor(target, {}, clock)).write(points, never)).toEqual(done)
    expect(clock.slept).toHaveLength(15)
    for (const ms of clock.slept) expect(ms).toBeLessThanOrEqual(60_000)
    expect(clock.slept[0]).toBeLessThanOrEqual(500)
    for (const ms of clock.slept.slice(8)) expect(ms).toBeGreaterThanOrEqual(15_000)
    expect(new Set(target.writes.map(lines => lines.join('\n'))).size).toBe(1)
  })

  it('that does not answer in time gets the lines again, and then fewer at a time', async () => {
    const target = await server()
    target.behave((lines, number) => ({
      stored: lines,
      reply: lines.length > 700 ? { status: 204, delayMs: 5_000 } : takeEverything(lines, number).reply,
    }))
    const sink = await sinkFor(target, { timeout: 100 })
    expect(await sink.write(makePoints(makeSeries(), 2_000), never)).toEqual({ written: 2_000, rejected: [] })
    expect(target.writes.map(lines => lines.length).slice(0, 4)).toEqual([2_000, 2_000, 1_000, 1_000])
    expect(target.stored.size).toBe(2_000)
  })
})

describe('a database with a limit for the body', () => {
  it('is sent half as much, and never again too much', async () => {
    const target = await server()
    target.behave((lines, number) =>
      lines.length > 300 ? { stored: [], reply: { status: 413 } } : takeEverything(lines, number),
    )
    const sink = await sinkFor(target)
    expect(await sink.write(makePoints(makeSeries(), 1_000), never)).toEqual({ written: 1_000, rejected: [] })
    const before = target.writes.length
    await sink.write(makePoints(makeSeries(), 1_000, at + 1e9), never)
    expect(target.writes.slice(before).every(lines => lines.length <= 300)).toBe(true)
  })

  it('gives back a point that is too long all alone', async () => {
    const target = await server()
    target.behave((lines, number) =>
      lines.some(line => line.length > 1_000) ? { stored: [], reply: { status: 413 } } : takeEverything(lines, number),
    )
    const long = makePoint(makeSeries(), at - 1, { text: 'x'.repeat(2_000) })
    expect(await (await sinkFor(target)).write([...points, long], never)).toEqual({
      written: 100,
      rejected: [{ point: long, code: 'too-large', reason: expect.stringContaining('413') }],
    })
  })
})

describe('a database that says no', () => {
  it.each([
    [401, 'sink-denied'],
    [403, 'sink-denied'],
    [404, 'sink-missing'],
    [405, 'sink-refuses'],
    [200, 'sink-refuses'],
    [302, 'sink-refuses'],
  ])('with %i stops the sink for good, and the token is nowhere in it', async (status, code) => {
    const target = await server()
    target.behave(() => ({ stored: [], reply: { status, body: { code: 'x', message: 'no' } } }))
    const sink = await sinkFor(target)
    const failure = await sink.write(points, never).then(
      () => undefined,
      error => error,
    )
    expect(failure).toBeInstanceOf(Failure)
    expect(failure).toMatchObject({ code, retry: 'never', reach: 'sink' })
    expect(failure.advice).toBeTruthy()
    expect(JSON.stringify([failure, failure.message, failure.advice, sink.id, sink.label])).not.toContain('hush')
    expect(target.headers.at(-1)!.authorization).toBe('Token hush-token')
  })
})

describe('bad lines in InfluxDB 3.x', () => {
  it('are taken from its list, with a reason each, in a few requests', async () => {
    const target = await server()
    target.behave(influxdb3)
    const mixed = makePoints(makeSeries(), 2_000).map((point, i) =>
      i % 10 === 3 ? { ...point, fields: { value: 'x' } } : point,
    )
    const { written, rejected } = await (await sinkFor(target)).write(mixed, never)
    expect([written, rejected.length]).toEqual([1_800, 200])
    expect(new Set(rejected.map(({ code }) => code))).toEqual(new Set(['type']))
    // Two lists of a hundred, and the rest.
    expect(target.writes).toHaveLength(3)
  })
})

describe('two writes of one sink', () => {
  it('are under way at once, and not a third', async () => {
    const target = await server()
    let now = 0
    let most = 0
    const sink = await sinkFor(target)
    await sink.write(points, never)
    target.behave((lines, number) => {
      most = Math.max(most, ++now)
      setTimeout(() => now--, 30)
      return { stored: lines, reply: { ...takeEverything(lines, number).reply, delayMs: 40 } }
    })
    await Promise.all(
      Array.from({ length: 6 }, (_, i) => sink.write(makePoints(makeSeries(), 10, at + i * 1e6), never)),
    )
    expect(most).toBe(2)
  })

  it('keep their order where they hold the same time of the same series', async () => {
    const target = await server()
    const sink = await sinkFor(target)
    target.behave((lines, number) => ({ stored: lines, reply: { status: 204, delayMs: number === 0 ? 80 : 0 } }))
    const series = makeSeries()
    const [early, late] = [makePoint(series, at, { value: 1 }), makePoint(series, at, { value: 2 })]
    const other = makePoint(makeSeries({ device: 'other' }), at, { value: 3 })
    const order: string[] = []
    await Promise.all([
      sink.write([early], never).then(() => order.push('early')),
      sink.write([late], never).then(() => order.push('late')),
      sink.write([other], never).then(() => order.push('other')),
    ])
    expect(order).toEqual(['other', 'early', 'late'])
    expect([...target.stored.values()]).toContain('value=2')
  })
})

describe('the check', () => {
  it('does not wait for a database that hangs', async () => {
    const target = await server({ answers: { '/ping': { status: 204, delayMs: 2_000 } } })
    const check = (await sinkFor(target, { timeout: 100 })).check(never)
    await expect(check).rejects.toMatchObject({ code: 'sink-unreachable', retry: 'later' })
  })

  it('knows InfluxDB 2.x and how long the bucket keeps', async () => {
    const target = await server({
      ping: { 'x-influxdb-version': 'v2.7.4' },
      answers: {
        '/api/v2/buckets': {
          status: 200,
          body: { buckets: [{ id: '1', name: 'b', retentionRules: [{ type: 'expire', everySeconds: 86_400 }] }] },
        },
        '/query': { status: 200, body: { results: [{}] } },
      },
    })
    expect(await (await sinkFor(target)).check(never)).toEqual({
      kind: 'influxdb 2.x',
      version: '2.7.4',
      retentionMs: 86_400_000,
      warnings: [],
    })
  })

  it('says that a token that may only write does not tell how long points are kept', async () => {
    const target = await server({
      ping: { 'x-influxdb-version': 'v2.7.4' },
      answers: {
        '/api/v2/buckets': { status: 200, body: { buckets: [] } },
        '/query': { status: 200, body: { results: [{}] } },
      },
    })
    const { warnings } = await (await sinkFor(target)).check(never)
    expect(warnings).toEqual([expect.stringContaining('not known')])
  })

  it('looks at the types of existing fields by InfluxQL, and says where it may not', async () => {
    const series = { name: 'datalog', columns: ['fieldKey', 'fieldType'], values: [['value', 'string']] }
    const answers = { '/query': { status: 200, body: { results: [{ series: [series] }] } } }
    const target = await server({ ping: { 'x-influxdb-version': 'v2.7.4' }, answers })
    expect((await (await sinkFor(target)).check(never)).warnings.join()).toMatch(/field value of datalog holds string/)
    for (const refused of [
      { status: 404, body: { error: 'no mapping' } },
      { status: 200, body: '<html>' },
    ]) {
      const target = await server({ ping: { 'x-influxdb-version': 'v2.7.4' }, answers: { '/query': refused } })
      expect((await (await sinkFor(target)).check(never)).warnings.join()).toMatch(/is not checked/)
    }
  })

  it('calls no server usable that refuses everything', async () => {
    // What servers written in Go say to a request in plain on a port for TLS.
    const refusal = { status: 400, body: 'Client sent an HTTP request to an HTTPS server.\n' }
    const target = await server({ answers: { '/ping': refusal } })
    target.behave(() => ({ stored: [], reply: refusal }))
    await expect((await sinkFor(target)).check(never)).rejects.toMatchObject({ code: 'sink-refuses' })
    const hidden = await server({ ping: { 'x-influxdb-version': '1.8.10' } })
    hidden.behave(() => ({ stored: [], reply: refusal }))
    await expect((await sinkFor(hidden)).check(never)).rejects.toMatchObject({ code: 'sink-refuses' })
  })

  it('asks for the right to write only where something is to be written', async () => {
    const target = await server({ ping: { 'x-influxdb-version': 'v2.7.4' } })
    target.behave(() => ({ stored: [], reply: { status: 403, body: { code: 'forbidden', message: 'read only' } } }))
    const sink = await sinkFor(target)
    await expect(sink.check(never)).rejects.toMatchObject({ code: 'sink-denied' })
    expect(await sink.check(never, 'read')).toMatchObject({ kind: 'influxdb 2.x' })
  })

  it('asks /health, or VictoriaMetrics for its metrics, where /ping is hidden', async () => {
    const kindWith = async (answers: Record<string, Reply>) => {
      const { kind, version, warnings } = await (await sinkFor(await server({ answers }))).check(never)
      return [kind, version, warnings.some(it => it.includes('server:'))]
    }
    const hidden = { '/ping': { status: 404 } }
    const ok = { status: 200, body: 'OK' }
    const influx = { status: 200, body: { name: 'influxdb', status: 'pass', version: 'v2.7.4' } }
    expect(await kindWith({ ...hidden, '/health': influx })).toEqual(['influxdb 2.x', '2.7.4', false])
    const victoria = { ...ok, headers: { 'x-server-hostname': 'box' } }
    expect(await kindWith({ '/ping': { status: 401 }, '/health': victoria })).toEqual([
      'victoriametrics',
      undefined,
      false,
    ])
    const metrics = { status: 200, body: 'vm_app_version{version="v", short_version="v1.79.0"} 1\n' }
    expect(await kindWith({ ...hidden, '/health': ok, '/metrics': metrics })).toEqual([
      'victoriametrics',
      '1.79.0',
      false,
    ])
    expect(await kindWith({ ...hidden, '/health': ok })).toEqual(['influxdb 2.x', undefined, true])
  })

  it('believes the options where the database says nothing of itself', async () => {
    const target = await server()
    expect(await (await sinkFor(target, { server: 'influxdb-3' })).check(never)).toMatchObject({ kind: 'influxdb 3.x' })
  })
})

describe('an InfluxDB 2.x', () => {
  const recorded = recordedExchanges('influxdb-2')
  const answerOf = (title: string): Reply => {
    const { status, headers, body } = recorded.find(it => it.title === title)!.response
    return { status, headers, body }
  }

  it('that was built without a version is known, and how long its bucket keeps', async () => {
    const target = await server({
      answers: {
        '/ping': answerOf('ping'),
        '/health': answerOf('health'),
        '/api/v2/buckets': answerOf('buckets by name'),
        '/query': answerOf('InfluxQL: SHOW FIELD KEYS'),
      },
    })
    const report = await (await sinkFor(target)).check(never)
    expect(report).toMatchObject({ kind: 'influxdb 2.x', retentionMs: 864_000_000, warnings: [] })
  })

  it('whose bucket is named by its id is refused, since it could not be read back', async () => {
    const target = await server({
      ping: { 'x-influxdb-version': 'v2.7.4' },
      answers: {
        '/api/v2/buckets': ({ searchParams }) =>
          searchParams.has('id') ? answerOf('buckets by name') : answerOf('buckets by name, token that may only write'),
      },
    })
    const check = (await sinkFor(target, { bucket: '0123456789abcdef' })).check(never)
    await expect(check).rejects.toMatchObject({
      code: 'sink-missing',
      advice: expect.stringContaining('bucket: short'),
    })
  })

  it('whose organization is named by its id is asked for the bucket by that id', async () => {
    const target = await server({
      ping: { 'x-influxdb-version': 'v2.7.4' },
      answers: {
        '/api/v2/buckets': ({ searchParams }) =>
          answerOf(searchParams.has('orgID') ? 'buckets: org by id in orgID=' : 'buckets: org by id in org='),
        '/query': answerOf('InfluxQL: SHOW FIELD KEYS'),
      },
    })
    const sink = await sinkFor(target, { org: '0123456789abcdef' })
    expect((await sink.check(never)).warnings).toEqual([])
    expect(await sink.identity?.(never)).toEqual({ bucketId: 'BUCKET_ID_000001' })
  })

  it('with a retention that is not known costs two requests for a batch that is in part too old', async () => {
    const target = await server({ ping: { 'x-influxdb-version': 'v2.7.4' } })
    const oldest = points.slice(0, 2)
    target.behave((lines, number) =>
      number === 0
        ? { stored: lines.slice(2), reply: answerOf('write: older than the retention (the good ones are stored)') }
        : takeEverything(lines, number),
    )
    const { written, rejected } = await (await sinkFor(target)).write(points, never)
    expect([written, rejected.map(({ point, code }) => [point, code])]).toEqual([
      98,
      oldest.map(point => [point, 'retention']),
    ])
    expect(target.writes).toHaveLength(2)
  })

  it('that cuts the connection twice gets fewer lines at a time', async () => {
    const target = await server({ ping: { 'x-influxdb-version': 'v2.7.4' } })
    target.behave((lines, number) =>
      lines.length > 700 ? { stored: [], reply: { status: 204, cut: 'unheard' } } : takeEverything(lines, number),
    )
    const sink = await sinkFor(target)
    expect(await sink.write(makePoints(makeSeries(), 2_000), never)).toEqual({ written: 2_000, rejected: [] })
    expect(target.writes.map(lines => lines.length).slice(0, 4)).toEqual([2_000, 2_000, 1_000, 1_000])
  })

  it('that may not be read says what the token needs, and that a busy one is asked later', async () => {
    const countWith = async (title: string | Reply) => {
      const answer = typeof title === 'string' ? answerOf(title) : title
      const target = await server({ ping: { 'x-influxdb-version': 'v2.7.4' }, answers: { '/query': answer } })
      return countOf(await sinkFor(target), makeSeries(), { after: 0, until: at }, never)
    }
    await expect(countWith('InfluxQL: not allowed to read')).rejects.toMatchObject({
      code: 'sink-unreadable',
      retry: 'never',
      advice: expect.stringContaining('may read'),
    })
    const full = { status: 400, body: { code: 'invalid', message: 'queue length exceeded' } }
    await expect(countWith(full)).rejects.toMatchObject({ code: 'sink-busy', retry: 'later' })
  })
})

describe('a token that was revoked', () => {
  it('is asked about before anything else is done, until it may write again', async () => {
    const target = await server()
    const sink = await sinkFor(target)
    await sink.write(points, never)
    await sink.ready?.(never)
    target.behave(() => ({ stored: [], reply: { status: 401, body: { code: 'unauthorized', message: 'no' } } }))
    await expect(sink.write(points, never)).rejects.toMatchObject({ code: 'sink-denied' })
    await expect(sink.ready?.(never)).rejects.toMatchObject({ code: 'sink-denied' })
    expect(target.writes.at(-1)).toHaveLength(1)
    target.behave(takeEverything)
    await sink.ready?.(never)
    expect(await sink.write(points, never)).toEqual(done)
  })
})

describe('an answer without an end', () => {
  it('is not held in memory, whether it is packed or not', async () => {
    const packed = gzipSync(Buffer.alloc(40 * 1024 * 1024, 'x'))
    const target = await server({
      ping: { 'x-influxdb-version': 'v2.7.4' },
      answers: { '/query': { status: 200, headers: { 'content-encoding': 'gzip' }, body: packed } },
    })
    const count = countOf(await sinkFor(target, { timeout: 20_000 }), makeSeries(), { after: 0, until: at }, never)
    await expect(count).rejects.toMatchObject({ code: 'sink-answer-too-large' })
  })
})

describe('an answer that comes byte by byte', () => {
  /** A byte comes long before the timeout; the whole would take twenty seconds. */
  const dripping: Reply = { status: 200, body: ' '.repeat(1_000), dripMs: 20 }
  const ping = { 'x-influxdb-version': 'v2.7.4' }

  it('to a query fails', async () => {
    const target = await server({ ping, answers: { '/query': dripping } })
    const count = countOf(await sinkFor(target, { timeout: 100 }), makeSeries(), { after: 0, until: at }, never)
    await expect(count).rejects.toMatchObject({ code: 'sink-unreachable', retry: 'later' })
  })

  it('to a write, or to the first question of all, is an outage: the same is sent again', async () => {
    let pings = 0
    const target = await server({
      answers: { '/ping': () => (pings++ === 0 ? dripping : { status: 204, headers: ping }) },
    })
    target.behave(first({ ...dripping, status: 503 }))
    const clock = countingClock()
    expect(await (await sinkFor(target, { timeout: 100 }, clock)).write(points, never)).toEqual(done)
    expect(clock.slept).toHaveLength(2)
    expect(target.writes).toHaveLength(2)
  })
})

describe('a database behind TLS', () => {
  it('is trusted by the authority that is given, and otherwise not at all', async () => {
    const { key, cert } = certificateFor('127.0.0.1')
    const target = await server({ tls: { key, cert } })
    expect(await (await sinkFor(target, { ca: cert })).write(points, never)).toEqual(done)
    await expect((await sinkFor(target)).write(points, never)).rejects.toMatchObject({
      code: 'sink-tls',
      retry: 'never',
      advice: expect.stringContaining('ca'),
    })
  })

  it('that speaks none is named as such', async () => {
    const target = await server()
    const sink = await sinkFor({ url: target.url.replace('http:', 'https:') })
    await expect(sink.write(points, never)).rejects.toMatchObject({ advice: expect.stringContaining('http://') })
  })

  it('that is asked in plain stops the sink, rather than to refuse every point', async () => {
    // What servers written in Go say to it.
    const body = 'Client sent an HTTP request to an HTTPS server.\n'
    const target = await server({ answers: { '/ping': { status: 400, body } } })
    target.behave(() => ({ stored: [], reply: { status: 400, body } }))
    await expect((await sinkFor(target)).write(points, never)).rejects.toMatchObject({ code: 'sink-refuses' })
    expect(target.writes).toHaveLength(0)
  })
})

describe('a database behind a proxy', () => {
  it('is reached through it: by a tunnel for https', async () => {
    const { key, cert } = certificateFor('127.0.0.1')
    for (const target of [await server(), await server({ tls: { key, cert } })]) {
      const proxy = await openProxy()
      open.push(proxy)
      const sink = await sinkFor(target, { proxy: proxy.url, ca: cert })
      expect(await sink.write(points, never)).toEqual(done)
      expect(proxy.visits).toContain(`127.0.0.1:${new URL(target.url).port}`)
      expect(JSON.stringify(target.writes)).toContain('nvoLux')
    }
  })
})
