import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/cli/system-clock.ts'
import type { InfluxOptions } from '../../../src/sinks/influxdb/endpoint.ts'
import { openInfluxSink } from '../../../src/sinks/influxdb/influx-sink.ts'
import { countOf, type Sink } from '../../../src/sinks/sink.ts'
import { type InfluxDb3, openInfluxDb3 } from '../../support/influxdb-3.ts'
import { makePoint, makePoints, makeSeries } from '../../support/points.ts'
import { expectReadBack, readAll } from '../../support/read-back-law.ts'
import { recordedLog } from '../../support/recorded-log.ts'

const never = new AbortController().signal
const at = 1_600_000_000_000
const day = 86_400_000

let server: InfluxDb3
const open: Sink[] = []
beforeAll(async () => {
  server = await openInfluxDb3()
  server.createDatabase('lab')
})
afterAll(async () => {
  for (const sink of open) await sink.close()
  await server.close()
})

async function sinkFor(change: Partial<InfluxOptions> = {}): Promise<Sink> {
  const options = {
    url: server.url,
    version: 3,
    database: 'lab',
    token: server.token,
    timeout: 5_000,
    ...change,
  } as const
  const sink = await openInfluxSink(options, { clock: systemClock, log: recordedLog().log })
  open.push(sink)
  return sink
}

describe('what is read back from InfluxDB 3', () => {
  it('is what was written, by SQL', async () => {
    await expectReadBack(await sinkFor(), { texts: true, exact: true })
  })

  it('is counted for all series of a range in one query, however many there are', async () => {
    const sink = await sinkFor()
    const series = Array.from({ length: 300 }, (_, i) => makeSeries({ device: `Sensor ${i}` }, 'many'))
    await sink.write(
      series.flatMap((one, i) => makePoints(one, 1 + (i % 3), at)),
      never,
    )
    const other = makeSeries({ device: 'Sensor 1', floor: '2' }, 'many')
    await sink.write(makePoints(other, 5, at), never)
    const before = server.requests.length
    const counts = await sink.counts(series, { after: at - 1, until: at + day - 1 }, never)
    expect(series.map(one => counts.get(one))).toEqual(series.map((_, i) => 1 + (i % 3)))
    expect(server.requests.slice(before)).toHaveLength(2)
  })

  it('is asked in shorter slices where a query would read too many files', async () => {
    const sink = await sinkFor()
    const series = makeSeries({}, 'files')
    const points = makePoints(series, 2_000).map((point, i) => ({ ...point, at: { ms: at + i * 60_000, nanos: 0 } }))
    await sink.write(points, never)
    server.fileLimit = 400
    try {
      const range = { after: at - 1, until: at + 3 * day }
      expect(await countOf(sink, series, range, never)).toBe(2_000)
      expect(await readAll(sink, series, range)).toEqual(points)
    } finally {
      server.fileLimit = Number.POSITIVE_INFINITY
    }
  })
})

describe('a write to InfluxDB 3', () => {
  it('refuses the lines that it names, in two requests', async () => {
    const sink = await sinkFor()
    await sink.write(makePoints(makeSeries({}, 'mixed'), 1, at - 1), never)
    const points = makePoints(makeSeries({}, 'mixed'), 1_000).map((point, i) =>
      i % 10 === 3 ? { ...point, fields: { value: 'x' } } : point,
    )
    const before = server.requests.length
    const { written, rejected } = await sink.write(points, never)
    expect([written, rejected.length, new Set(rejected.map(({ code }) => code))]).toEqual([900, 100, new Set(['type'])])
    expect(server.requests.slice(before)).toEqual(['POST /api/v3/write_lp', 'POST /api/v3/write_lp'])
  })

  it('goes by write_lp, whatever version the configuration says', async () => {
    for (const change of [
      { version: 1 },
      { version: 2, database: undefined, org: 'any', bucket: 'lab' },
    ] as Partial<InfluxOptions>[]) {
      const before = server.requests.length
      await (await sinkFor(change)).write(makePoints(makeSeries({}, 'paths'), 1), never)
      expect(server.requests.slice(before)).toContain('POST /api/v3/write_lp')
    }
  })

  it('refuses what is older than the database keeps, which would be answered with 204 and never be seen', async () => {
    server.createDatabase('short', 10 * day)
    const sink = await sinkFor({ database: 'short' })
    const points = [20, 5].map(days => makePoint(makeSeries({}, 'ages'), Date.now() - days * day, { value: days }))
    expect(await sink.write(points, never)).toMatchObject({
      written: 1,
      rejected: [{ point: points[0], code: 'retention' }],
    })
    expect(await sink.check(never)).toMatchObject({
      kind: 'influxdb 3.x',
      version: '3.10.1',
      retentionMs: 10 * day,
      overwrites: false,
    })
  })

  it('stops for what is wrong with the table, rather than making every entry a dead letter', async () => {
    const wide = Object.fromEntries(Array.from({ length: 501 }, (_, i) => [`f${i}`, 1]))
    const write = (await sinkFor()).write([makePoint(makeSeries({}, 'wide'), at, wide)], never)
    await expect(write).rejects.toMatchObject({ code: 'sink-full', retry: 'never' })
  })
})

describe('a database of InfluxDB 3 that does not exist', () => {
  it('is made neither by the check nor by a write', async () => {
    const sink = await sinkFor({ database: 'typo' })
    await expect(sink.check(never)).rejects.toMatchObject({ code: 'sink-missing' })
    await expect(sink.write(makePoints(makeSeries(), 1), never)).rejects.toMatchObject({ code: 'sink-missing' })
    expect(server.databases.has('typo')).toBe(false)
    expect(await countOf(await sinkFor(), makeSeries({}, 'no such table'), { after: 0, until: at }, never)).toBe(0)
  })
})

describe('a token that InfluxDB 3 does not know', () => {
  it('stops the sink', async () => {
    const sink = await sinkFor({ token: 'nonsense' })
    await expect(sink.check(never)).rejects.toMatchObject({ code: 'sink-denied' })
    await expect(sink.write(makePoints(makeSeries(), 1), never)).rejects.toMatchObject({ code: 'sink-denied' })
  })
})

describe('the check of an InfluxDB 3', () => {
  it('names a tag of ours that is a field there', async () => {
    const sink = await sinkFor({ measurements: ['clash'], tagNames: ['gateway', 'floor'] })
    await sink.write([makePoint(makeSeries({}, 'clash'), at, { floor: 2 })], never)
    expect((await sink.check(never)).warnings.join()).toMatch(/floor of clash is a field there and a tag of ours/)
  })
})

describe('what InfluxDB 3 tells of itself', () => {
  it('is the data folder that it uses', async () => {
    expect(await (await sinkFor()).identity?.(never)).toEqual({ clusterUuid: 'CLUSTER-UUID-1' })
  })
})
