import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/cli/system-clock.ts'
import { openInfluxSink } from '../../../src/sinks/influxdb/influx-sink.ts'
import { countOf, type Sink, type WriteResult } from '../../../src/sinks/sink.ts'
import { type Influxd, type InfluxdOptions, openInfluxd } from '../../support/influxd.ts'
import { makePoints, makeSeries } from '../../support/points.ts'
import { recordedLog } from '../../support/recorded-log.ts'

const never = new AbortController().signal
const at = 1_600_000_000_000
const batches = 20
const perBatch = 5_000

async function withInfluxd(
  options: InfluxdOptions,
  work: (influxd: Influxd, sink: Sink) => Promise<void>,
): Promise<void> {
  const influxd = await openInfluxd({ database: 'logs', ...options })
  const sink = await openInfluxSink(
    { url: influxd.url, database: 'logs', timeout: 500 },
    { clock: systemClock, log: recordedLog().log },
  )
  try {
    await work(influxd, sink)
  } finally {
    await sink.close()
    await influxd.close()
  }
}

/** Hands all batches over; each answer is counted when it comes. */
function writeAll(sink: Sink): { readonly results: WriteResult[]; readonly all: Promise<unknown> } {
  const results: WriteResult[] = []
  const series = makeSeries()
  const all = Promise.all(
    Array.from({ length: batches }, async (_, i) => {
      results.push(await sink.write(makePoints(series, perBatch, at + i * perBatch * 1_000), never))
    }),
  )
  return { results, all }
}

async function expectEverything(sink: Sink, results: readonly WriteResult[]): Promise<void> {
  expect(results.map(({ written, rejected }) => [written, rejected.length])).toEqual(
    Array.from({ length: batches }, () => [perBatch, 0]),
  )
  const range = { after: at - 1, until: at + batches * perBatch * 1_000 }
  expect(await countOf(sink, makeSeries(), range, never)).toBe(batches * perBatch)
}

describe('a real InfluxDB', () => {
  it('that stands still in the middle of the writes loses and doubles nothing', async () => {
    await withInfluxd({}, async (influxd, sink) => {
      const { results, all } = writeAll(sink)
      while (results.length < 3) await pause(2)
      influxd.signal('SIGSTOP')
      // Longer than the timeout: what was under way has an unknown outcome and is sent again.
      await pause(1_200)
      expect(results.length).toBeLessThan(batches)
      influxd.signal('SIGCONT')
      await all
      await expectEverything(sink, results)
    })
  })

  it('that is restarted in the middle of the writes loses and doubles nothing', async () => {
    await withInfluxd({}, async (influxd, sink) => {
      const { results, all } = writeAll(sink)
      while (results.length < 3) await pause(2)
      await influxd.stop()
      await influxd.start()
      await all
      await expectEverything(sink, results)
    })
  })

  it('with a small limit for the body is sent batches that fit', async () => {
    await withInfluxd({ maxBodySize: 10_000 }, async (_, sink) => {
      const { results, all } = writeAll(sink)
      await all
      await expectEverything(sink, results)
    })
  })
})
