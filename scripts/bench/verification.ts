import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer, request as forward } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pino } from 'pino'
import { systemClock } from '../../src/cli/system-clock.ts'
import type { Selector } from '../../src/domain/datapoint.ts'
import type { Point, Series } from '../../src/domain/point.ts'
import type { TimeRange } from '../../src/domain/range.ts'
import { emptyReceipt } from '../../src/domain/receipt.ts'
import { type Ledger, openLedger } from '../../src/ledger/ledger.ts'
import { openInfluxSink } from '../../src/sinks/influxdb/influx-sink.ts'
import type { Sink } from '../../src/sinks/sink.ts'
import { verify } from '../../src/verification/verify.ts'
import { type Influxd, openInfluxd } from '../../test/support/influxd.ts'
import { countText, median, type Row } from './table.ts'

const gateway = 'g'
const measurement = 'datalog'
const minuteMs = 60_000
const until = Date.UTC(2026, 5, 1)
const runs = 5
const wantedRatio = 2
const pointsAWrite = 10_000
const never = new AbortController().signal

interface Trial {
  readonly name: string
  readonly series: number
  readonly pointsEach: number
}

const trials: readonly Trial[] = [
  { name: 'one series of 500,000 points', series: 1, pointsEach: 500_000 },
  { name: '10,000 series of 12 points', series: 10_000, pointsEach: 12 },
]

/** A verification by counts beside one bare InfluxQL count of the same points, in turns, on a real InfluxDB 1.x. */
export async function measureVerification(say: (text: string) => void): Promise<Row[]> {
  if (spawnSync('influxd', ['version']).error !== undefined) {
    say('left out, because there is no influxd here')
    return []
  }
  const rows: Row[] = []
  for (const trial of trials) rows.push(await measure(trial, say))
  return rows
}

async function measure(trial: Trial, say: (text: string) => void): Promise<Row> {
  await using opened = new AsyncDisposableStack()
  const influxd = opened.adopt(await openInfluxd({ database: 'bench' }), it => it.close())
  const proxy = opened.adopt(await openCountingProxy(influxd.url), it => it.close())
  const options = {
    url: proxy.url,
    version: 1,
    database: 'bench',
    timeout: 60_000,
    measurements: [measurement],
  } as const
  const log = pino({ level: 'silent' })
  const sink = opened.adopt(await openInfluxSink(options, { clock: systemClock, log }), it => it.close())
  const ledger = opened.adopt(openLedger(':memory:', systemClock), it => it.close())
  ledger.owner.take('bench')
  const { pointsEach } = trial
  const range = { after: until - pointsEach * minuteMs, until }
  const site = Array.from({ length: trial.series }, (_, i) => datapoint(i))
  say(`${trial.name}: writing them`)
  await fill(site, pointsEach, range, { sink, ledger })

  const selectors = site.map(({ selector }) => selector)
  const times = { ours: [] as number[], bare: [] as number[] }
  const meter = { requests: 0, bytes: 0 }
  for (let run = 0; run < runs; run++) {
    proxy.reset()
    times.ours.push(await timed(() => verifyAll(selectors, { sink, ledger })))
    Object.assign(meter, proxy.counted())
    times.bare.push(await timed(() => bareCount(influxd, range)))
  }
  const [ours, bare] = [median(times.ours), median(times.bare)]
  const ratio = ours / bare
  const { requests, bytes } = meter
  return {
    name: `verify, ${trial.name}`,
    measured: `${ratio.toFixed(2)} × one bare count (${requests} queries, ${countText(bytes)} bytes of answers, median of ${runs})`,
    target: `≤ ${wantedRatio} × one bare InfluxQL count`,
    isMet: ratio <= wantedRatio,
    numbers: { ratio, ours, bare, requests, bytes, runs },
  }
}

interface Datapoint {
  readonly selector: Selector
  readonly series: Series
}

function datapoint(i: number): Datapoint {
  const device = `Sensor ${i}`
  const tags = new Map(Object.entries({ gateway, device, block: 'LightSensor', index: '0', datapoint: 'nvoLux' }))
  return {
    selector: { device: { name: device }, block: 'LightSensor', index: 0, point: { xif: 'nvoLux' } },
    series: { measurement, tags },
  }
}

async function fill(
  site: readonly Datapoint[],
  pointsEach: number,
  range: TimeRange,
  { sink, ledger }: { sink: Sink; ledger: Ledger },
): Promise<void> {
  let batch: Point[] = []
  const flush = async () => {
    await sink.write(batch, never)
    batch = []
  }
  for (const { series } of site)
    for (let n = 1; n <= pointsEach; n++) {
      batch.push({ series, at: { ms: range.after + n * minuteMs, nanos: 0 }, fields: { value: n % 100 } })
      if (batch.length === pointsAWrite) await flush()
    }
  await flush()
  for (const { selector, series } of site) {
    const months = monthsOf(range)
    for (const part of months)
      ledger.complete({
        sink: sink.id,
        request: { gateway, selectors: [selector], range: part },
        provisional: false,
        receipt: { ...emptyReceipt(), received: 1, written: 1 },
        points: [(part.until - part.after) / minuteMs],
        series: [[series]],
        window: { group: 'bench', ms: part.until - part.after },
      })
  }
}

/** As requests of thirty days would have brought it. */
function monthsOf({ after, until: end }: TimeRange): TimeRange[] {
  const longest = 30 * 24 * 60 * minuteMs
  const parts: TimeRange[] = []
  for (let at = after; at < end; at += longest) parts.push({ after: at, until: Math.min(end, at + longest) })
  return parts
}

async function verifyAll(selectors: readonly Selector[], { sink, ledger }: { sink: Sink; ledger: Ledger }) {
  const claims = {
    gateways: [{ name: gateway, selectors }],
    within: { after: Number.NEGATIVE_INFINITY, until: Number.POSITIVE_INFINITY },
    oldest: Number.NEGATIVE_INFINITY,
  }
  const settling = { clock: systemClock, stillMs: 0, observe() {} }
  const parts = { ledger, sink, gateways: undefined, settling, entries: 50_000, observe() {} }
  let equal = 0
  for await (const { after } of verify(claims, { compare: 'counts', repair: 'none' }, parts, never)) {
    if (after.verdict !== 'equal') throw new Error(`${after.range.after}: ${after.verdict}`)
    equal++
  }
  if (equal === 0) throw new Error('nothing was verified')
}

async function bareCount(influxd: Influxd, { after, until: end }: TimeRange): Promise<void> {
  const q = `SELECT count("value") FROM ${measurement} WHERE time > ${after}000000 AND time <= ${end}000000 GROUP BY *`
  await influxd.queryText(q)
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now()
  await work()
  return performance.now() - begun
}

/** Passes everything on, and counts the queries and the bytes of their answers. */
async function openCountingProxy(to: string) {
  let requests = 0
  let bytes = 0
  const server = createServer((request, response) => {
    const isQuery = request.url?.startsWith('/query') === true
    if (isQuery) requests++
    const { method, headers } = request
    const onward = forward(`${to}${request.url}`, { method, headers }, answer => {
      response.writeHead(answer.statusCode ?? 500, answer.headers)
      if (isQuery) answer.on('data', (chunk: Buffer) => (bytes += chunk.length))
      answer.pipe(response)
    })
    onward.once('error', () => response.destroy())
    request.pipe(onward)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    counted: () => ({ requests, bytes }),
    reset() {
      requests = 0
      bytes = 0
    },
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
