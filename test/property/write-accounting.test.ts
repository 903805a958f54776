import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Clock } from '../../src/domain/clock.ts'
import type { Point } from '../../src/domain/point.ts'
import { openInfluxSink } from '../../src/sinks/influxdb/influx-sink.ts'
import { makePoint, makeSeries } from '../support/points.ts'
import { recordedLog } from '../support/recorded-log.ts'
import { runs } from '../support/runs.ts'
import { influxdb2, influxdb3, influxdb3Cloud, unparsable } from '../support/write-habits.ts'
import { type Behaviour, openWriteServer, type Reply, type WriteServer } from '../support/write-server.ts'

const never = new AbortController().signal
/** Waits pass at once. */
const hasty: Clock = { now: () => Date.now(), elapsed: () => performance.now(), sleep: async () => {} }

const series = Array.from({ length: 3 }, (_, i) => makeSeries({ device: `Sensor ${i}` }))
const badSeries = makeSeries({ device: unparsable })

const kinds = fc.array(
  fc.oneof({ weight: 20, arbitrary: fc.constant('good') }, fc.constant('text'), fc.constant('unparsable')),
  { minLength: 1, maxLength: 400 },
)

/** `stores`: whether the lines are in before the trouble. */
const troubles: Record<string, { stores: boolean; reply: Reply }> = {
  busySeconds: { stores: false, reply: { status: 429, headers: { 'retry-after': '1' } } },
  busyDate: { stores: false, reply: { status: 429, headers: { 'retry-after': 'Wed, 01 Jan 2020 00:00:00 GMT' } } },
  unavailable: { stores: false, reply: { status: 503 } },
  gateway: { stores: false, reply: { status: 502, body: '<html>Bad gateway</html>' } },
  broken: { stores: true, reply: { status: 500, body: { error: 'timeout' } } },
  unheard: { stores: true, reply: { status: 204, cut: 'unheard' } },
  midAnswer: { stores: true, reply: { status: 400, cut: 'mid-answer' } },
  tooLarge: { stores: false, reply: { status: 413 } },
}

/** The trouble of that request if there is one, otherwise what the database does. */
function troubled(behaviour: Behaviour, plan: readonly (string | undefined)[]): Behaviour {
  return (lines, number) => {
    const trouble = troubles[plan[number] ?? '']
    // A line alone is not too large.
    if (trouble === undefined || (trouble.reply.status === 413 && lines.length === 1)) return behaviour(lines, number)
    return { stored: trouble.stores ? behaviour(lines, number).stored : [], reply: trouble.reply }
  }
}

let server: WriteServer
/** Each run has its own measurement in the one server. */
let run = 0
beforeAll(async () => {
  server = await openWriteServer({ ping: { 'x-influxdb-version': 'v2.7.1' } })
})
afterAll(() => server.close())

describe.each([
  ['2.x', influxdb2],
  ['3.x', influxdb3],
  ['3.x in the cloud', influxdb3Cloud],
])('whatever an InfluxDB %s answers', (_, behaviour) => {
  it('every good point is stored, every bad one comes back with a reason, and the counts add up', async () => {
    await fc.assert(
      fc.asyncProperty(
        kinds,
        fc.array(fc.constantFrom(undefined, ...Object.keys(troubles)), { maxLength: 8 }),
        async (wanted, plan) => {
          const measurement = `run${run++}`
          const own = [...series, badSeries].map(({ tags }) => ({ measurement, tags }))
          const points = wanted.map((kind, i): Point => {
            const of = kind === 'unparsable' ? own[3]! : own[i % 3]!
            return makePoint(of, 1_600_000_000_000 + i, { value: kind === 'text' ? 'x' : i })
          })
          const first = server.writes.length
          server.behave((lines, number) => troubled(behaviour, plan)(lines, number - first))
          const sink = await openInfluxSink(
            { url: server.url, org: 'o', bucket: 'b', timeout: 5_000 },
            { clock: hasty, log: recordedLog().log },
          )
          const { written, rejected } = await sink.write(points, never)
          await sink.close()

          expect(written + rejected.length).toBe(points.length)
          const bad = points.filter((_, i) => wanted[i] !== 'good')
          expect(new Set(rejected.map(({ point }) => point))).toEqual(new Set(bad))
          for (const { reason } of rejected) expect(reason).not.toBe('')
          const stored = [...server.stored.keys()].filter(key => key.startsWith(`${measurement},`))
          expect(stored).toHaveLength(points.length - bad.length)
        },
      ),
      { numRuns: runs(60) },
    )
  })
})
