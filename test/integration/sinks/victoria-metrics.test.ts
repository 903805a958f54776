import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/domain/clock.ts'
import { openInfluxSink } from '../../../src/sinks/influxdb/influx-sink.ts'
import type { Sink } from '../../../src/sinks/sink.ts'
import { makePoint, makePoints, makeSeries } from '../../support/points.ts'
import { recordedLog } from '../../support/recorded-log.ts'
import { openVictoriaMetrics, type VictoriaMetrics } from '../../support/victoria-metrics.ts'

const never = new AbortController().signal
let server: VictoriaMetrics
let sink: Sink

beforeAll(async () => {
  server = await openVictoriaMetrics()
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

  it('are not there twice after they were written three times', async () => {
    const points = makePoints(makeSeries({}, 'thrice'), 5_000)
    for (let i = 0; i < 3; i++) await sink.write(points, never)
    const [stored] = await server.export('{__name__="thrice_value"}')
    expect(new Set(stored!.timestamps).size).toBe(5_000)
  })
})
