import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/cli/system-clock.ts'
import { Failure } from '../../../src/domain/failure.ts'
import type { InfluxOptions } from '../../../src/sinks/influxdb/endpoint.ts'
import { openInfluxSink } from '../../../src/sinks/influxdb/influx-sink.ts'
import { countOf, type Sink } from '../../../src/sinks/sink.ts'
import { type Influxd, openInfluxd } from '../../support/influxd.ts'
import { makePoint, makePoints, makeSeries } from '../../support/points.ts'
import { expectReadBack } from '../../support/read-back-law.ts'
import { recordedLog } from '../../support/recorded-log.ts'

const never = new AbortController().signal
const at = 1_600_000_000_000

let influxd: Influxd
const opened: Sink[] = []

async function open(change: Partial<InfluxOptions> = {}, log = recordedLog()): Promise<Sink> {
  const sink = await openInfluxSink(
    { url: influxd.url, database: 'logs', timeout: 2_000, ...change },
    { clock: systemClock, log: log.log },
  )
  opened.push(sink)
  return sink
}

async function failureOf(work: Promise<unknown>): Promise<Failure> {
  const error = await work.then(
    () => undefined,
    error => error,
  )
  if (!(error instanceof Failure)) throw new Error(`no Failure: ${error}`)
  return error
}

beforeAll(async () => {
  influxd = await openInfluxd({ database: 'logs' })
})
afterEach(async () => {
  for (const sink of opened.splice(0)) await sink.close()
})
afterAll(() => influxd.close())

describe('points written to a real InfluxDB 1.x', () => {
  it('come back with every digit of time and number, and every sign of text', async () => {
    const sink = await open()
    const texts = ['plain', 'say "hi"', 'back\\slash', 'C:\\', 'two\nlines', 'é😀', '', ' a,b=c ']
    const numbers = [0.1 + 0.2, 1e21, -5e-324, 1.7976931348623157e308, 2 ** 53, 3]
    const series = makeSeries({}, 'round trip')
    const points = [
      ...texts.map((text, i) => makePoint(series, at, { text }, i)),
      ...numbers.map((value, i) => makePoint(series, at + 1, { value }, i)),
    ]
    expect(await sink.write(points, never)).toEqual({ written: points.length, rejected: [] })

    const rows = await influxd.query('SELECT text, value FROM "round trip" ORDER BY time')
    expect(rows[0]!.values.map(row => row[1]).filter(text => text !== null)).toEqual(texts)
    expect(rows[0]!.values.map(row => row[2]).filter(value => value !== null)).toEqual(numbers)
    const exact = await influxd.queryText('SELECT text FROM "round trip"')
    for (let i = 0; i < texts.length; i++) expect(exact).toContain(`160000000000000000${i}`)
  })

  it('keep series apart whatever their names hold', async () => {
    const sink = await open()
    const names = [
      'a',
      'a ',
      ' a',
      'a\\',
      'a\\,b',
      'a,b',
      'a=b',
      'a\\ b',
      'a\nb',
      'a␊b',
      'a\\nb',
      '',
      '"a"',
      '#a',
      '␦',
      'é',
    ]
    const points = names.map((device, i) => makePoint(makeSeries({ device }, 'names'), at, { value: i }))
    expect(await sink.write(points, never)).toEqual({ written: names.length, rejected: [] })
    const series = await influxd.query('SELECT value FROM "names" GROUP BY device')
    expect(series).toHaveLength(names.length)
    const readable = new Map(series.map(({ tags, values }) => [values[0]![1], tags!['device']]))
    for (const [i, name] of names.entries()) if (!/[\n␊␦]|\\$|^$/.test(name)) expect(readable.get(i)).toBe(name)
  })

  it('are not there twice after they were written three times', async () => {
    const sink = await open()
    const points = makePoints(makeSeries({}, 'thrice'), 25_000)
    for (let i = 0; i < 3; i++) expect(await sink.write(points, never)).toEqual({ written: 25_000, rejected: [] })
    expect((await influxd.query('SELECT count(value) FROM thrice'))[0]!.values[0]![1]).toBe(25_000)
  })
})

describe('what is read back from InfluxDB 1.x', () => {
  it('is what was written', async () => {
    await expectReadBack(await open(), { texts: true, exact: true })
  })

  it('is looked for in the retention policy that was written to', async () => {
    await influxd.query('CREATE RETENTION POLICY other ON logs DURATION INF REPLICATION 1')
    const sink = await open({ retentionPolicy: 'other' })
    const series = makeSeries({}, 'in other')
    await sink.write(makePoints(series, 3), never)
    const range = { after: at - 1, until: at + 1_000 }
    expect(await countOf(sink, series, range, never)).toBe(2)
    expect(await countOf(await open(), series, range, never)).toBe(0)
  })
})

describe('a point that InfluxDB refuses', () => {
  it('is found among thousands of good ones, and comes back alone with the reason', async () => {
    const sink = await open()
    const series = makeSeries({}, 'conflicts')
    await sink.write([makePoint(series, at, { value: 1 })], never)
    const bad = new Set([0, 7, 8, 2500, 4999])
    const points = makePoints(series, 5_000).map((point, i) =>
      bad.has(i) ? { ...point, fields: { value: 'x' } } : point,
    )
    const result = await sink.write(points, never)
    expect(result.written).toBe(4_995)
    expect(new Set(result.rejected.map(({ point }) => points.indexOf(point)))).toEqual(bad)
    for (const { code, reason } of result.rejected) {
      expect(code).toBe('type')
      expect(reason).toContain('field type conflict')
    }
    // The first of them has the time of the point written before.
    expect((await influxd.query('SELECT count(value) FROM conflicts'))[0]!.values[0]![1]).toBe(4_996)
  })

  it('does not cost a request each when all of them are bad', async () => {
    const sink = await open()
    const series = makeSeries({}, 'all bad')
    await sink.write(makePoints(series, 1), never)
    const points = makePoints(series, 5_000).map(point => ({ ...point, fields: { value: 'x' } }))
    const before = await writesSoFar()
    expect((await sink.write(points, never)).rejected).toHaveLength(5_000)
    expect((await writesSoFar()) - before).toBeLessThan(20)
  })

  it('because it is older than the retention policy is found without sending each point alone', async () => {
    await influxd.query('CREATE RETENTION POLICY short ON logs DURATION 1h REPLICATION 1')
    const sink = await open({ retentionPolicy: 'short' })
    const now = Date.now()
    const points = makePoints(makeSeries({}, 'old'), 10_000).map((point, i) => ({
      ...point,
      at: { ms: now - i * 3_600, nanos: 0 },
    }))
    const before = await writesSoFar()
    const result = await sink.write(points, never)
    expect((await writesSoFar()) - before).toBeLessThan(5)
    expect(result.written + result.rejected.length).toBe(10_000)
    expect(result.rejected.length).toBeGreaterThan(8_000)
    expect(new Set(result.rejected.map(({ code }) => code))).toEqual(new Set(['retention']))
    const rows = await influxd.query('SELECT count(value) FROM short.old')
    expect(rows[0]!.values[0]![1]).toBe(result.written)
  })

  it('because its time is beyond 64 bits is refused alone', async () => {
    const sink = await open()
    const series = makeSeries({}, 'far')
    const points = [makePoint(series, at, { value: 1 }), makePoint(series, 1e15, { value: 2 })]
    expect(await sink.write(points, never)).toMatchObject({
      written: 1,
      rejected: [{ point: points[1], code: 'out-of-time' }],
    })
  })
})

describe('the check of an InfluxDB 1.x', () => {
  it('tells kind, version and how long points are kept', async () => {
    const sink = await open()
    const report = await sink.check(never)
    expect(report).toMatchObject({ kind: 'influxdb 1.x', retentionMs: undefined })
    expect(report.version).toMatch(/^1\.6\.7/)
    await influxd.query('CREATE RETENTION POLICY week ON logs DURATION 7d REPLICATION 1')
    expect(await (await open({ retentionPolicy: 'week' })).check(never)).toMatchObject({ retentionMs: 7 * 86_400_000 })
  })

  it('names fields that hold more than one type, or integers, with the way out', async () => {
    const own = await openInfluxd({ database: 'types' })
    try {
      await own.write('m whole=1i,fine=1 1600000000000000000\nm mixed=1 1600000000000000000')
      // A separate shard: there the other type is taken with a 204.
      await own.write('m mixed="x" 1500000000000000000')
      const sink = await open({ url: own.url, database: 'types', measurements: ['m', 'none'] })
      const { warnings } = await sink.check(never)
      expect(warnings).toHaveLength(2)
      expect(warnings[0]).toMatch(/field mixed of m holds float and string.*another measurement/)
      expect(warnings[1]).toMatch(/field whole of m holds integer.*another measurement/)
      await own.write('ours text=1,value="x",mine="y",kw_text="z",health="down" 1600000000000000000')
      const foreign = await open({ url: own.url, database: 'types', measurements: ['ours'] })
      const told = (await foreign.check(never)).warnings.toSorted()
      expect(told).toHaveLength(2)
      expect(told[0]).toMatch(/field text of ours holds float; ours \(string\)/)
      expect(told[1]).toMatch(/field value of ours holds string; ours \(float\)/)
      await own.write('energy kw="x",kw_health=1,kwh=1 1600000000000000000')
      const numberFields = [
        { measurement: 'energy', field: 'kw' },
        { measurement: 'energy', field: 'kwh' },
      ]
      const named = await open({ url: own.url, database: 'types', measurements: ['energy'], numberFields })
      expect((await named.check(never)).warnings).toEqual([
        expect.stringMatching(/field kw of energy holds string; ours \(float\)/),
        expect.stringMatching(/field kw_health of energy holds float; ours \(string\)/),
      ])
      const others = await open({ url: own.url, database: 'types' })
      expect(await others.check(never)).toMatchObject({ warnings: [] })
    } finally {
      await own.close()
    }
  })

  it('says how to make a database or retention policy that is missing', async () => {
    const database = await failureOf((await open({ database: 'nope' })).check(never))
    expect(database).toMatchObject({ code: 'sink-missing', retry: 'never', reach: 'sink' })
    expect(database.advice).toContain('CREATE DATABASE "nope"')
    const policy = await failureOf((await open({ retentionPolicy: 'nope' })).check(never))
    expect(policy.advice).toContain('CREATE RETENTION POLICY "nope"')
  })

  it('says so where org and bucket are given to it', async () => {
    const sink = await open({ database: undefined, org: 'o', bucket: 'logs' })
    const failure = await failureOf(sink.check(never))
    expect(failure).toMatchObject({ code: 'sink-version', message: expect.stringContaining('InfluxDB 1.6.7') })
    expect(failure.advice).toMatch(/version: 1 and database:/)
    expect(await failureOf(sink.write(makePoints(makeSeries(), 1), never))).toMatchObject({ code: 'sink-version' })
  })

  it('fails quickly when nothing listens', async () => {
    const sink = await open({ url: 'http://127.0.0.1:1' })
    expect(await failureOf(sink.check(never))).toMatchObject({
      code: 'sink-unreachable',
      retry: 'later',
      reach: 'sink',
    })
  })
})

describe('a write that cannot succeed', () => {
  it('stops the sink with advice when the database is missing', async () => {
    const sink = await open({ database: 'nope' })
    const failure = await failureOf(sink.write(makePoints(makeSeries(), 10), never))
    expect(failure).toMatchObject({ code: 'sink-missing', retry: 'never', reach: 'sink' })
  })

  it('stops the sink when the password is wrong, and never says it', async () => {
    const guarded = await openInfluxd({ database: 'logs', auth: true })
    try {
      const { log, lines } = recordedLog()
      const parts = { clock: systemClock, log }
      const options = { url: guarded.url, database: 'logs', timeout: 2_000, username: 'admin' }
      const wrong = await openInfluxSink({ ...options, password: 'hushhush' }, parts)
      const failure = await failureOf(wrong.write(makePoints(makeSeries(), 10), never))
      expect(failure).toMatchObject({ code: 'sink-denied', retry: 'never', reach: 'sink' })
      expect(JSON.stringify([lines, failure.message, failure.advice, wrong.id, wrong.label])).not.toContain('hushhush')
      expect(await failureOf(wrong.check(never))).toMatchObject({ code: 'sink-denied' })
      await wrong.close()
      const right = await openInfluxSink({ ...options, password: 'secret' }, parts)
      expect(await right.write(makePoints(makeSeries(), 10), never)).toEqual({ written: 10, rejected: [] })
      expect(await right.check(never)).toMatchObject({ warnings: [] })
      await right.close()
    } finally {
      await guarded.close()
    }
  })
})

describe('while the database is away', () => {
  it('a write waits for it, says so once, and loses nothing', async () => {
    const own = await openInfluxd({ database: 'logs' })
    try {
      const { log, lines } = recordedLog()
      const sink = await openInfluxSink({ url: own.url, database: 'logs', timeout: 2_000 }, { clock: systemClock, log })
      await own.stop()
      const work = sink.write(makePoints(makeSeries(), 1_000), never)
      while (lines.length < 3) await pause(10)
      await own.start()
      expect(await work).toEqual({ written: 1_000, rejected: [] })
      expect((await own.query('SELECT count(value) FROM datalog'))[0]!.values[0]![1]).toBe(1_000)
      expect(lines.filter(({ level }) => level === 40)).toHaveLength(1)
      expect(lines.filter(({ level }) => level === 30)).toHaveLength(1)
      await sink.close()
    } finally {
      await own.close()
    }
  })

  it('a write ends at once when it is stopped', async () => {
    const stop = new AbortController()
    const { log, lines } = recordedLog()
    const sink = await open({ url: 'http://127.0.0.1:1' }, { log, lines })
    const work = sink.write(makePoints(makeSeries(), 10), stop.signal)
    const ended = expect(work).rejects.toBe('stopped')
    while (lines.length === 0) await pause(5)
    stop.abort('stopped')
    await ended
  })
})

/** Requests to /write that this influxd has answered. */
async function writesSoFar(): Promise<number> {
  const [stats] = await influxd.query("SHOW STATS FOR 'httpd'")
  return Number(stats!.values[0]![stats!.columns.indexOf('writeReq')])
}
