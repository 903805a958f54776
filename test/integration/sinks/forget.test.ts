import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../../src/cli/system-clock.ts'
import { openInfluxSink } from '../../../src/sinks/influxdb/influx-sink.ts'
import { countOf, type Sink } from '../../../src/sinks/sink.ts'
import { openSqliteSink } from '../../../src/sinks/sqlite/sqlite-sink.ts'
import { openInfluxd } from '../../support/influxd.ts'
import { openInfluxDb2 } from '../../support/influxdb-2.ts'
import { openInfluxDb3 } from '../../support/influxdb-3.ts'
import { makePoints, makeSeries } from '../../support/points.ts'
import { recordedLog } from '../../support/recorded-log.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { openVictoriaMetrics } from '../../support/victoria-metrics.ts'

const never = new AbortController().signal
const parts = { clock: systemClock, log: recordedLog().log }
const timeout = 5_000
const all = { after: 0, until: 2e12 }
const awkward = { device: `Sensor "1", it's`, note: 'a b=c' }

async function sqlite(): Promise<Sink> {
  return await openSqliteSink({ path: join(temporaryFolder(), 'points.db') }, parts)
}

async function influxdb1(): Promise<Sink> {
  const influxd = await openInfluxd({ database: 'logs' })
  onTestFinished(influxd.close)
  return await openInfluxSink({ url: influxd.url, database: 'logs', timeout }, parts)
}

async function influxdb2(): Promise<Sink> {
  const server = await openInfluxDb2()
  onTestFinished(server.close)
  await server.createBucket('lab')
  server.grant('rw', { read: 'all', write: 'all' })
  return await openInfluxSink({ url: server.url, version: 2, org: 'site', bucket: 'lab', token: 'rw', timeout }, parts)
}

async function influxdb3(): Promise<Sink> {
  const server = await openInfluxDb3()
  onTestFinished(server.close)
  server.createDatabase('lab')
  return await openInfluxSink({ url: server.url, version: 3, database: 'lab', token: server.token, timeout }, parts)
}

async function victoriaMetrics(): Promise<Sink> {
  const server = await openVictoriaMetrics({ dedup: '1ms' })
  onTestFinished(server.close)
  return await openInfluxSink(
    { url: server.url, org: 'any', bucket: 'any', timeout, measurements: ['datalog', 'datalog_new'] },
    parts,
  )
}

const old = makeSeries(awkward)
const others = [makeSeries({ ...awkward, device: 'Sensor 2' }), makeSeries(awkward, 'datalog_new')]
const withMore = makeSeries({ ...awkward, building: 'North' })

async function counts(sink: Sink): Promise<number[]> {
  return await Promise.all([old, ...others, withMore].map(one => countOf(sink, one, all, never)))
}

test.each([
  ['SQLite', sqlite],
  ['InfluxDB 1', influxdb1],
  ['VictoriaMetrics', victoriaMetrics],
])('%s forgets one series, and none that has more tags or another name', async (_, open) => {
  const sink = await open()
  onTestFinished(() => sink.close())
  await sink.write(
    [old, ...others, withMore].flatMap(one => makePoints(one, 3)),
    never,
  )
  expect(await counts(sink)).toEqual([3, 3, 3, 3])
  await sink.forget!([old], never)
  expect(await counts(sink)).toEqual([0, 3, 3, 3])
  // and takes it anew
  await sink.write(makePoints(old, 2), never)
  expect(await counts(sink)).toEqual([2, 3, 3, 3])
})

test('InfluxDB 2 forgets one series, and refuses where one with more tags would be removed with it', async () => {
  const sink = await influxdb2()
  onTestFinished(() => sink.close())
  await sink.write(
    [old, ...others, withMore].flatMap(one => makePoints(one, 3)),
    never,
  )
  await expect(sink.forget!([old], never)).rejects.toMatchObject({ code: 'sink-keeps-series' })
  expect(await counts(sink)).toEqual([3, 3, 3, 3])
  await sink.forget!([withMore], never)
  await sink.forget!([old], never)
  expect(await counts(sink)).toEqual([0, 3, 3, 0])
})

test('InfluxDB 3 says that it cannot forget a series', async () => {
  const sink = await influxdb3()
  onTestFinished(() => sink.close())
  await sink.write(makePoints(old, 3), never)
  await expect(sink.forget!([old], never)).rejects.toMatchObject({ code: 'sink-keeps-series' })
})
