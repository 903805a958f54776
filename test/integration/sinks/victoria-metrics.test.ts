import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/cli/system-clock.ts'
import { openInfluxSink } from '../../../src/sinks/influxdb/influx-sink.ts'
import { countOf, type Sink } from '../../../src/sinks/sink.ts'
import { makePoint, makePoints, makeSeries } from '../../support/points.ts'
import { expectReadBack, readAll } from '../../support/read-back-law.ts'
import { recordedLog } from '../../support/recorded-log.ts'
import { openVictoriaMetrics, type VictoriaMetrics } from '../../support/victoria-metrics.ts'

const never = new AbortController().signal
let server: VictoriaMetrics
let sink: Sink

beforeAll(async () => {
  // The default of VictoriaMetrics: what is written twice is there twice.
  server = await openVictoriaMetrics({ dedup: '0s' })
  sink = await openInfluxSink(
    { url: server.url, org: 'any', bucket: 'any', timeout: 5_000 },
    { clock: systemClock, log: recordedLog().log },
  )
})
afterAll(async () => {
  await sink.close()
  await server.close()
})

describe('numbers written to a real VictoriaMetrics', () => {
  it('come back exactly, with their names and milliseconds', async () => {
    const series = makeSeries({ device: 'Sensor "1", left' }, 'exact')
    const numbers = [0.1, 21.5, -3, 1e9, 412]
    const points = numbers.map((value, i) => makePoint(series, 1_600_000_000_000 + i * 1_000, { value }))
    expect(await sink.write(points, never)).toEqual({ written: 5, rejected: [] })
    const [stored] = await server.export('{__name__="exact_value"}')
    expect(stored!.values).toEqual(numbers)
    expect(stored!.timestamps).toEqual(points.map(point => point.at.ms))
    expect(stored!.metric).toMatchObject({ device: 'Sensor "1", left', datapoint: 'nvoLux' })
  })

  it('count once, though they were written three times', async () => {
    const series = makeSeries({}, 'thrice')
    const points = makePoints(series, 5_000)
    for (let i = 0; i < 3; i++) await sink.write(points, never)
    expect(await countOf(sink, series, { after: 0, until: 2e12 }, never)).toBe(5_000)
  })
})

describe('names with a backslash', () => {
  it('neither vanish from VictoriaMetrics nor become one series', async () => {
    const devices = ['A\\B', 'A\\\\B', 'A\\,B', 'A\\ B', 'A\\=B', 'A\\']
    const all = devices.map(device => makeSeries({ device, 'k\\,1': device }, 'back\\,slash'))
    const points = all.map((series, i) => makePoint(series, 1_600_000_000_000, { value: i, 'a\\,b': i }))
    expect(await sink.write(points, never)).toEqual({ written: points.length, rejected: [] })
    for (const [i, series] of all.entries()) expect(await readAll(sink, series)).toEqual([points[i]])
  })
})

describe('texts for VictoriaMetrics', () => {
  it('alone are refused rather than stored as 0; of a mapped enumeration the number is written', async () => {
    const series = makeSeries({}, 'texts')
    const points = [
      makePoint(series, 1_600_000_000_000, { text: 'HVAC_AUTO' }),
      makePoint(series, 1_600_000_000_001, { value: 7, mode_text: 'ON' }),
      makePoint(series, 1_600_000_000_002, { value: 8 }),
    ]
    const { written, rejected } = await sink.write(points, never)
    expect(written).toBe(2)
    expect(rejected.map(({ point, code }) => [points.indexOf(point), code])).toEqual([[0, 'strings-not-held']])
    const stored = await server.export('{__name__=~"texts.*"}')
    expect(stored.map(({ metric, values }) => [metric['__name__'], values])).toEqual([['texts_value', [7, 8]]])
  })
})

describe('points older than VictoriaMetrics keeps', () => {
  it('are refused, because it would drop them without a word', async () => {
    const short = await openVictoriaMetrics({ retentionPeriod: '3d' })
    try {
      const own = await openInfluxSink(
        { url: short.url, bucket: 'any', timeout: 5_000 },
        { clock: systemClock, log: recordedLog().log },
      )
      const now = Date.now()
      const points = [4, 2, 0.5].map(days =>
        makePoint(makeSeries({}, 'ages'), now - days * 86_400_000, { value: days }),
      )
      expect(await own.check(never)).toMatchObject({ retentionMs: 3 * 86_400_000 })
      expect(await own.write(points, never)).toMatchObject({
        written: 2,
        rejected: [{ point: points[0], code: 'retention' }],
      })
      const [stored] = await short.export('{__name__="ages_value"}')
      expect(stored!.values).toEqual([2, 0.5])
      await own.close()
    } finally {
      await short.close()
    }
  })
})

describe('points of a time that was drawn before', () => {
  it('are drawn after they were made durable, though their time is in the cache of queries', async () => {
    const series = makeSeries({}, 'drawn')
    const start = Math.floor(Date.now() / 60_000 - 300) * 60_000
    const every = (from: number, count: number) =>
      Array.from({ length: count }, (_, i) => makePoint(series, start + (from + i) * 60_000, { value: i }))
    const drawn = async () => {
      const range = { query: 'drawn_value', start: `${start / 1000}`, end: `${start / 1000 + 7_200}`, step: '60' }
      const answer = await fetch(`${server.url}/api/v1/query_range?${new URLSearchParams(range)}`)
      const { data } = (await answer.json()) as { data: { result: { values: unknown[] }[] } }
      return data.result[0]?.values.length ?? 0
    }
    await sink.write(every(0, 60), never)
    await server.flush()
    const before = await drawn()
    await sink.write(every(60, 60), never)
    await server.flush()
    await sink.makeDurable!(never)
    expect(await drawn()).toBeGreaterThanOrEqual(before + 55)
  })
})

describe('points more than two days ahead', () => {
  it('are refused, because VictoriaMetrics would drop them without a word', async () => {
    const series = makeSeries({}, 'ahead')
    const points = [0, 1.9, 2.1, 30].map(days => makePoint(series, Date.now() + days * 86_400_000, { value: days }))
    const { written, rejected } = await sink.write(points, never)
    expect(written).toBe(2)
    expect(rejected.map(({ point, code }) => [point, code])).toEqual([
      [points[2], 'out-of-time'],
      [points[3], 'out-of-time'],
    ])
    const range = { after: Date.now() - 86_400_000, until: Date.now() + 3 * 86_400_000 }
    expect((await readAll(sink, series, range)).map(({ fields }) => fields['value'])).toEqual([0, 1.9])
  })
})

describe('what is read back from VictoriaMetrics', () => {
  it('is what was written', async () => {
    await expectReadBack(sink, { texts: false, exact: false })
  })

  it('is of this measurement, and not of one whose name goes on', async () => {
    const measurements = ['flow', 'flow_max', 'flow.max']
    const own = await openInfluxSink(
      { url: server.url, bucket: 'any', timeout: 5_000, measurements },
      { clock: systemClock, log: recordedLog().log },
    )
    const points = measurements.map((name, i) =>
      makePoint(makeSeries({}, name), 1_600_000_000_000 + i, { value: i, max: 5 }),
    )
    await own.write(points, never)
    for (const point of points) expect(await readAll(own, point.series)).toEqual([point])
    expect((await own.check(never)).warnings.join()).toMatch(/fields of flow that begin with max_/)
    await own.close()
  })
})

describe('the check of VictoriaMetrics', () => {
  it('detects it, and says what it does not keep', async () => {
    const report = await sink.check(never)
    expect(report.kind).toBe('victoriametrics')
    expect(report.warnings.join(' ')).toMatch(/numbers alone.*millisecond.*cannot replace.*dedup/)
    expect(report.overwrites).toBe(false)
  })
})
