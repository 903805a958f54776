import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/cli/system-clock.ts'
import type { InfluxOptions } from '../../../src/sinks/influxdb/endpoint.ts'
import { openInfluxSink } from '../../../src/sinks/influxdb/influx-sink.ts'
import { countOf, type Sink } from '../../../src/sinks/sink.ts'
import { type InfluxDb2, openInfluxDb2 } from '../../support/influxdb-2.ts'
import { makePoint, makePoints, makeSeries } from '../../support/points.ts'
import { expectReadBack, readAll } from '../../support/read-back-law.ts'
import { recordedLog } from '../../support/recorded-log.ts'

const never = new AbortController().signal
const at = 1_600_000_000_000
const day = 86_400_000

let server: InfluxDb2
const open: Sink[] = []
beforeAll(async () => {
  server = await openInfluxDb2()
  await server.createBucket('lab')
  await server.createBucket('short', { retentionSeconds: 864_000 })
  server.grant('rw', { read: 'all', write: 'all' })
  server.grant('read-only', { read: 'all', write: [] })
  server.grant('write-only', { read: [], write: 'all' })
})
afterAll(async () => {
  for (const sink of open) await sink.close()
  await server.close()
})

async function sinkFor(change: Partial<InfluxOptions> = {}): Promise<Sink> {
  const options = {
    url: server.url,
    version: 2,
    org: 'site',
    bucket: 'lab',
    token: 'rw',
    timeout: 5_000,
    ...change,
  } as const
  const sink = await openInfluxSink(options, { clock: systemClock, log: recordedLog().log })
  open.push(sink)
  return sink
}

/** The requests that an action makes. */
async function requestsOf(act: () => Promise<unknown>): Promise<readonly string[]> {
  const before = server.requests.length
  await act()
  return server.requests.slice(before)
}

describe('what is read back from InfluxDB 2', () => {
  it('is what was written, by InfluxQL', async () => {
    await expectReadBack(await sinkFor(), { texts: true, exact: true })
    expect(server.requests).not.toContain('POST /api/v2/query')
  })

  it('is whole where another shard holds another type of the same field', async () => {
    const sink = await sinkFor()
    const series = makeSeries({}, 'retyped')
    const points = [
      makePoint(series, at, { value: 1 }),
      makePoint(series, at + 30 * day, { value: 'two' }),
      makePoint(series, at + 60 * day, { value: 3 }),
    ]
    expect(await sink.write(points, never)).toEqual({ written: 3, rejected: [] })
    const range = { after: at - 1, until: at + 90 * day }
    expect(await countOf(sink, series, range, never)).toBe(3)
    expect((await readAll(sink, series, range)).map(({ at: { ms } }) => ms)).toEqual(points.map(it => it.at.ms))
  })

  it('is counted for all series of a range in one query, beside a foreign point with one more tag', async () => {
    const sink = await sinkFor()
    const series = Array.from({ length: 300 }, (_, i) => makeSeries({ device: `Sensor ${i}` }, 'many'))
    await sink.write(
      series.flatMap((one, i) => makePoints(one, 1 + (i % 3), at)),
      never,
    )
    await sink.write(makePoints(makeSeries({ device: 'Sensor 1', floor: '2' }, 'many'), 5, at), never)
    const requests = await requestsOf(async () => {
      const counts = await sink.counts(series, { after: at - 1, until: at + day - 1 }, never)
      expect(series.map(one => counts.get(one))).toEqual(series.map((_, i) => 1 + (i % 3)))
    })
    expect(requests.length).toBeLessThanOrEqual(2)
  })
})

describe('a write to InfluxDB 2', () => {
  it('refuses the lines of another type, and stores the others', async () => {
    const sink = await sinkFor()
    await sink.write(makePoints(makeSeries({}, 'mixed'), 1, at - 1), never)
    const points = makePoints(makeSeries({}, 'mixed'), 1_000).map((point, i) =>
      i % 100 === 3 ? { ...point, fields: { value: 'x' } } : point,
    )
    const { written, rejected } = await sink.write(points, never)
    expect([written, rejected.length, new Set(rejected.map(({ code }) => code))]).toEqual([990, 10, new Set(['type'])])
    expect(await countOf(sink, makeSeries({}, 'mixed'), { after: at - 10, until: at + day }, never)).toBe(991)
  })

  it('refuses what is older than the bucket keeps, in a request or two', async () => {
    const sink = await sinkFor({ bucket: 'short' })
    const points = makePoints(makeSeries({}, 'ages'), 720, Date.now() - 30 * day)
    const young = makePoint(makeSeries({}, 'ages'), Date.now() - day, { value: 1 })
    const requests = await requestsOf(async () => {
      const { written, rejected } = await sink.write([...points, young], never)
      expect([written, rejected.length, new Set(rejected.map(({ code }) => code))]).toEqual([
        1,
        720,
        new Set(['retention']),
      ])
    })
    expect(requests.filter(it => it === 'POST /api/v2/write').length).toBeLessThanOrEqual(2)
  })
})

describe('a bucket of InfluxDB 2', () => {
  it('that does not exist stops the sink, and so does an organization', async () => {
    for (const change of [{ bucket: 'nope' }, { org: 'nope' }]) {
      const sink = await sinkFor(change)
      await expect(sink.check(never)).rejects.toMatchObject({ code: 'sink-missing' })
      await expect(sink.write(makePoints(makeSeries(), 1), never)).rejects.toMatchObject({ code: 'sink-missing' })
    }
  })

  it('says how long it keeps, and by its id that it was made anew', async () => {
    await server.createBucket('anew', { retentionSeconds: 86_400 })
    const sink = await sinkFor({ bucket: 'anew' })
    expect(await sink.check(never)).toMatchObject({ kind: 'influxdb 2.x', retentionMs: day, warnings: [] })
    const before = await sink.identity?.(never)
    await server.deleteBucket('anew')
    await expect(sink.write(makePoints(makeSeries(), 1, Date.now()), never)).rejects.toMatchObject({
      code: 'sink-missing',
    })
    await server.createBucket('anew')
    expect(await (await sinkFor({ bucket: 'anew' })).identity?.(never)).not.toEqual(before)
  })
})

describe('a token of InfluxDB 2', () => {
  it('that may only read can verify, and not write', async () => {
    await (await sinkFor()).write(makePoints(makeSeries({}, 'rights'), 3), never)
    const sink = await sinkFor({ token: 'read-only' })
    expect(await readAll(sink, makeSeries({}, 'rights'))).toHaveLength(3)
    await expect(sink.write(makePoints(makeSeries({}, 'rights'), 1), never)).rejects.toMatchObject({
      code: 'sink-denied',
    })
  })

  it('that may only write is told what it needs where something is read', async () => {
    const sink = await sinkFor({ token: 'write-only' })
    expect((await sink.write(makePoints(makeSeries({}, 'rights'), 1), never)).written).toBe(1)
    await expect(readAll(sink, makeSeries({}, 'rights'))).rejects.toMatchObject({
      code: 'sink-unreadable',
      advice: expect.stringContaining('may read'),
    })
  })

  it('that was revoked stops the sink', async () => {
    server.grant('for a while', { read: 'all', write: 'all' })
    const sink = await sinkFor({ token: 'for a while' })
    await sink.write(makePoints(makeSeries(), 1), never)
    server.revoke('for a while')
    await expect(sink.write(makePoints(makeSeries(), 1), never)).rejects.toMatchObject({ code: 'sink-denied' })
    await expect(sink.ready?.(never)).rejects.toMatchObject({ code: 'sink-denied' })
  })
})
