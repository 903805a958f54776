import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/cli/system-clock.ts'
import type { Clock } from '../../src/domain/clock.ts'
import { Failure } from '../../src/domain/failure.ts'
import type { DialectName } from '../../src/sinks/influxdb/endpoint.ts'
import { openInfluxSink } from '../../src/sinks/influxdb/influx-sink.ts'
import type { Sink } from '../../src/sinks/sink.ts'
import { damaged, nonsense } from '../support/damaged-json.ts'
import { makePoint, makeSeries } from '../support/points.ts'
import { recordedLog } from '../support/recorded-log.ts'
import { runs } from '../support/runs.ts'
import { openWriteServer, type Reply, type WriteServer } from '../support/write-server.ts'

const never = new AbortController().signal
const hasty: Clock = { ...systemClock, sleep: async () => {} }
const series = makeSeries()
const tags = Object.fromEntries(series.tags)
const range = { after: 1_600_000_000_000, until: 1_600_000_001_000 }

const influxql = {
  results: [
    {
      series: [
        { name: 'datalog', tags, columns: ['time', 'value'], values: [[1_600_000_000_500, 1]] },
        { columns: ['name', 'duration', 'default'], values: [['autogen', '0s', true]] },
      ],
    },
  ],
}
const export1 = { metric: { __name__: 'datalog_value', ...tags }, values: [1], timestamps: [1_600_000_000_500] }

/** What the databases answer to each of our questions: JSON, or lines of it. */
const whole: Readonly<Record<string, object | readonly object[]>> = {
  '/health': { name: 'influxdb', version: 'v2.7.4' },
  '/query': influxql,
  '/api/v2/buckets': { buckets: [{ id: '1', name: 'b', retentionRules: [{ everySeconds: 86_400 }] }] },
  '/api/v3/configure/database': [{ 'iox::database': 'b' }],
  '/api/v3/query_sql': [
    {
      column_name: 'device',
      data_type: 'Dictionary(Int32, Utf8)',
      time: '2020-09-13T12:26:40.5',
      'count(*)': 1,
      ...tags,
    },
  ],
  '/api/v1/query': { status: 'success', data: { result: [{ value: [1_600_000_001, '5'] }] } },
  '/api/v1/export': [export1],
  '/write': { error: 'x', data: [{ error_message: 'x', line_number: 1, original_line: 'datalog' }] },
}

const questions: readonly ((sink: Sink) => Promise<unknown>)[] = [
  sink => sink.check(never, 'read'),
  async sink => sink.identity?.(never),
  async sink => sink.makeDurable?.(never),
  async sink => sink.forget?.([series], never),
  sink => sink.counts([series], range, never),
  async sink => {
    for await (const point of sink.read(series, range, never)) expect(point.series).toBe(series)
  },
  sink => sink.write([makePoint(series, range.until, { value: 1 })], never, { patienceMs: 0 }),
]

let server: WriteServer
let replyTo: (path: string) => Reply
beforeAll(async () => {
  const answers = Object.fromEntries(
    [...Object.keys(whole), '/ping', '/metrics', '/internal/force_flush', '/api/v2/write', '/api/v3/write_lp'].map(
      path => [path, () => replyTo(path)],
    ),
  )
  server = await openWriteServer({ answers })
})
afterAll(() => server.close())

const names: readonly DialectName[] = ['influxdb-1', 'influxdb-2', 'influxdb-3', 'victoria-metrics']

const metricsText = fc
  .tuple(fc.string(), fc.oneof(fc.string(), fc.double().map(String), fc.constant('1e999')))
  .map(([flag, start]) => `flag{name="retentionPeriod", value="${flag}"} 1\nprocess_start_time_seconds ${start}\n`)

describe.each(names)('whatever a server answers that is to be %s', name => {
  it('a question ends with an answer or with a Failure that says what to do', async () => {
    const paths = Object.keys(whole)
    const bodies = fc.record(
      Object.fromEntries(
        paths.map(path => [
          path,
          fc.oneof({ weight: 4, arbitrary: damaged(whole[path]!) }, { weight: 1, arbitrary: nonsense }),
        ]),
      ),
    )
    const status = fc.oneof({ weight: 8, arbitrary: fc.constant(200) }, fc.integer({ min: 200, max: 599 }))
    await fc.assert(
      fc.asyncProperty(
        bodies,
        metricsText,
        status,
        fc.nat(questions.length - 1),
        async (body, metrics, code, which) => {
          replyTo = path => {
            if (path === '/ping') return { status: 204 }
            if (path === '/metrics') return { status: code, body: metrics }
            return { status: code, body: body[path] ?? body['/write'] ?? '' }
          }
          const options = { url: server.url, org: 'o', bucket: 'b', database: 'b', timeout: 5_000, server: name }
          const version = name === 'influxdb-3' ? 3 : name === 'influxdb-1' ? 1 : 2
          const sink = await openInfluxSink({ ...options, version }, { clock: hasty, log: recordedLog().log })
          try {
            await questions[which]!(sink)
          } catch (error) {
            if (!(error instanceof Failure)) throw error
            expect(error.code).not.toBe('unexpected')
            expect(error.advice).toBeTruthy()
          } finally {
            await sink.close()
          }
        },
      ),
      { numRuns: runs(400), seed: 13 },
    )
  }, 60_000)
})

it('what the property damages is read where it is whole', async () => {
  replyTo = path => {
    if (path === '/ping') return { status: 204 }
    const answer = whole[path] ?? ''
    const isLines = path === '/api/v3/query_sql' || path === '/api/v1/export'
    return { status: 200, body: isLines ? (answer as object[]).map(row => JSON.stringify(row)).join('\n') : answer }
  }
  // InfluxDB 3 answers two questions at one path: influxdb-3-recorded.test.ts reads its answers
  for (const name of names.filter(it => it !== 'influxdb-3')) {
    const version = name === 'influxdb-1' ? 1 : 2
    const options = {
      url: server.url,
      org: 'o',
      bucket: 'b',
      database: 'b',
      timeout: 5_000,
      server: name,
      version,
    } as const
    const sink = await openInfluxSink(options, { clock: hasty, log: recordedLog().log })
    expect((await sink.counts([series], range, never)).size, name).toBe(1)
    await sink.close()
  }
})
