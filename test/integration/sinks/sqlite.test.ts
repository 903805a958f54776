import { execFile } from 'node:child_process'
import { chmod, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/cli/system-clock.ts'
import { Failure } from '../../../src/domain/failure.ts'
import { countOf, type Sink } from '../../../src/sinks/sink.ts'
import { openSqliteSink } from '../../../src/sinks/sqlite/sqlite-sink.ts'
import { makePoint, makePoints, makeSeries } from '../../support/points.ts'
import { expectReadBack, readAll } from '../../support/read-back-law.ts'
import { recordedLog } from '../../support/recorded-log.ts'

const run = promisify(execFile)
const never = new AbortController().signal
const at = 1_600_000_000_000

let folder: string
let path: string
const opened: Sink[] = []

async function open(file = path, log = recordedLog()): Promise<Sink> {
  const sink = await openSqliteSink({ path: file }, { clock: systemClock, log: log.log })
  opened.push(sink)
  return sink
}

/** The shell that people use: another program, another release of SQLite. */
async function shell(sql: string, ...options: string[]): Promise<string> {
  return (await run('sqlite3', ['-readonly', ...options, path, sql])).stdout.trim()
}

async function failureOf(work: Promise<unknown>): Promise<Failure> {
  const error = await work.then(
    () => undefined,
    error => error,
  )
  if (!(error instanceof Failure)) throw new Error(`no Failure: ${error}`)
  expect(error.advice).toBeTruthy()
  return error
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  const { reach, code } = await failureOf(work)
  expect(reach).toBe('sink')
  return code
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sqlite-sink-'))
  path = join(folder, 'data', 'points.db')
})
afterEach(async () => {
  for (const sink of opened.splice(0)) await sink.close()
  await rm(folder, { recursive: true, force: true })
})

describe('points written to SQLite', () => {
  it('come back with every digit of time and number, and every sign of text', async () => {
    const sink = await open()
    const texts = ['plain', `it's "quoted"`, 'C:\\', 'two\nlines', 'é😀', '']
    const numbers = [0.1 + 0.2, 1e21, -5e-324, 2 ** 53, -0.5]
    const series = makeSeries()
    const points = [
      ...texts.map((text, i) => makePoint(series, at, { text }, i)),
      ...numbers.map((value, i) => makePoint(series, at + 1, { value, state: true }, i)),
    ]
    expect(await sink.write(points, never)).toEqual({ written: points.length, rejected: [] })
    const file = new DatabaseSync(path, { readOnly: true })
    const select = file.prepare('SELECT time_ns, number, text FROM datalog WHERE field = ? ORDER BY time_ns')
    select.setReadBigInts(true)
    expect(select.all('text').map(row => [row['time_ns'], row['text']])).toEqual(
      texts.map((text, i) => [BigInt(at) * 1_000_000n + BigInt(i), text]),
    )
    expect(select.all('value').map(row => row['number'])).toEqual(numbers)
    expect(select.all('state').map(row => row['number'])).toEqual(numbers.map(() => 1))
    file.close()
  })

  it('are not there twice after they were written three times, and the last value counts', async () => {
    const sink = await open()
    const points = makePoints(makeSeries(), 12_345)
    for (let i = 0; i < 3; i++) expect(await sink.write(points, never)).toEqual({ written: 12_345, rejected: [] })
    await sink.write([makePoint(makeSeries(), at, { value: 77 })], never)
    expect(await shell('SELECT count(*), sum(number) FILTER (WHERE time_ns = 1600000000000000000) FROM datalog')).toBe(
      '12345|77.0',
    )
  })

  it('are there after the sink was closed and opened again', async () => {
    await (await open()).write(makePoints(makeSeries(), 10), never)
    await opened.pop()!.close()
    await (await open()).write(makePoints(makeSeries(), 20), never)
    expect(await shell('SELECT count(*), count(DISTINCT datapoint) FROM datalog')).toBe('20|1')
  })

  it('beyond 64 bits of nanoseconds are refused one by one', async () => {
    const sink = await open()
    const points = [makePoint(makeSeries(), 1e15, { value: 1 }), makePoint(makeSeries(), at, { value: 2 })]
    expect(await sink.write(points, never)).toMatchObject({ written: 1, rejected: [{ point: points[0] }] })
  })
})

describe('what is read back from SQLite', () => {
  it('is what was written', async () => {
    await expectReadBack(await open(), { texts: true, exact: true })
  })
})

describe('the view datalog', () => {
  it('shows what a person wants to see, and the tables explain themselves', async () => {
    const sink = await open()
    await sink.write([makePoint(makeSeries({ floor: '2' }), at + 7, { value: 21.5 })], never)
    expect(JSON.parse(await shell('SELECT * FROM datalog', '-json'))).toEqual([
      {
        time: '2020-09-13T12:26:40.007Z',
        epoch: 1600000000.007,
        gateway: 'plant-a',
        device: 'Sensor 1',
        block: 'LightSensor',
        index: 0,
        datapoint: 'nvoLux',
        measurement: 'datalog',
        field: 'value',
        number: 21.5,
        text: null,
        tags: '{"floor":"2"}',
        time_ns: 1600000000007000000,
      },
    ])
    expect(await shell('.schema')).toContain('nanoseconds since 1970-01-01 UTC')
  })
})

describe('while somebody reads the file', () => {
  it('neither waits for the other', async () => {
    const sink = await open()
    const series = makeSeries()
    await sink.write(makePoints(series, 1), never)
    const reader = new DatabaseSync(path, { readOnly: true })
    reader.exec('BEGIN')
    expect(reader.prepare('SELECT count(*) AS n FROM datalog').get()).toEqual({ n: 1 })
    const writing = Promise.all(
      Array.from({ length: 10 }, (_, i) => sink.write(makePoints(series, 10_000, at + i * 1e8), never)),
    )
    const seen = await Promise.all(Array.from({ length: 5 }, () => shell('SELECT count(*) FROM datalog')))
    await writing
    // Batches are there as a whole or not at all.
    for (const count of seen) expect([0, 1]).toContain(Number(count) % 10_000)
    expect(reader.prepare('SELECT count(*) AS n FROM datalog').get()).toEqual({ n: 1 })
    reader.close()
    expect(await shell('SELECT count(*) FROM datalog')).toBe('100000')
  })
})

describe('while somebody else writes to the file', () => {
  it('a write waits, and can be stopped', async () => {
    const sink = await open()
    const other = new DatabaseSync(path)
    other.exec('BEGIN IMMEDIATE')
    const stop = new AbortController()
    setTimeout(() => stop.abort('stopped'), 50)
    await expect(sink.write(makePoints(makeSeries(), 10), stop.signal)).rejects.toBe('stopped')
    const work = sink.write(makePoints(makeSeries(), 10), never)
    other.exec('COMMIT')
    other.close()
    expect(await work).toEqual({ written: 10, rejected: [] })
  })
})

describe('a write that is stopped in the middle', () => {
  it('leaves nothing of its batch, and the next one works', async () => {
    const sink = await open()
    const stop = new AbortController()
    const work = sink.write(makePoints(makeSeries(), 100_000), stop.signal)
    setImmediate(() => stop.abort('stopped'))
    await expect(work).rejects.toBe('stopped')
    expect(await shell('SELECT count(*) FROM datalog')).toBe('0')
    expect(await sink.write(makePoints(makeSeries(), 10), never)).toEqual({ written: 10, rejected: [] })
    expect(await shell('SELECT count(*) FROM datalog')).toBe('10')
  })
})

describe('a file that is not ours', () => {
  it.each([
    ['a text file', 'sink-foreign', (file: string) => writeFile(file, 'Dear diary, '.repeat(1000))],
    [
      'the database of another program',
      'sink-foreign',
      async (file: string) => {
        const other = new DatabaseSync(file)
        other.exec('CREATE TABLE invoices (id)')
        other.close()
      },
    ],
    [
      'from a later release',
      'sink-version',
      async (file: string) => {
        await (await open(file)).close()
        const later = new DatabaseSync(file)
        later.exec('PRAGMA user_version = 99')
        later.close()
      },
    ],
  ])('is refused and left as it is: %s', async (_, code, make) => {
    const file = join(folder, 'other.db')
    await make(file)
    const before = await readFile(file)
    expect(await codeOf(open(file))).toBe(code)
    expect((await readFile(file)).equals(before)).toBe(true)
  })

  it('is refused when it is damaged', async () => {
    const sink = await open()
    await sink.write(makePoints(makeSeries(), 10_000), never)
    await sink.close()
    const bytes = await readFile(path)
    await writeFile(path, bytes.subarray(0, 3 * 4096))
    expect(await codeOf(open().then(again => again.write(makePoints(makeSeries(), 10_000, at + 1), never)))).toBe(
      'sink-damaged',
    )
  })

  it.skipIf(process.getuid?.() === 0)('is refused when it may not be written', async () => {
    await (await open()).close()
    await chmod(path, 0o400)
    expect(await codeOf(open().then(sink => sink.check(never)))).toBe('sink-denied')
  })

  it('is refused when its folder is a file', async () => {
    await writeFile(join(folder, 'data'), '')
    expect(await codeOf(open())).toBe('sink-denied')
  })
})

describe('a large batch', () => {
  it('does not keep the program from doing anything else', async () => {
    const sink = await open()
    await sink.write(makePoints(makeSeries(), 10), never)
    // its own CPU time: what other programs of the machine take is not ours
    const used = () => (process.threadCpuUsage().user + process.threadCpuUsage().system) / 1_000
    let longest = 0
    let last = 0
    const beat = setInterval(() => {
      longest = Math.max(longest, used() - last)
      last = used()
    }, 1)
    const points = makePoints(makeSeries(), 200_000)
    last = used()
    await sink.write(points, never)
    clearInterval(beat)
    expect(longest).toBeLessThan(150)
  })
})

/** A disk of 2 MB, where this user may make one. */
async function smallDisk(): Promise<string | undefined> {
  const place = await mkdtemp(join(tmpdir(), 'small-disk-'))
  return await run('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', place]).then(
    () => place,
    () => rm(place, { recursive: true }).then(() => undefined),
  )
}

describe('a file that is replaced while it is open', () => {
  const acts: [string, () => Promise<unknown>][] = [
    ['removed', () => rm(path)],
    ['moved away', () => rename(path, `${path}.old`)],
    [
      'replaced by an older copy',
      async () => {
        await shell(`VACUUM INTO '${path}.copy'`)
        await rename(`${path}.copy`, path)
      },
    ],
  ]
  it.each(acts)('takes no more points after it was %s, and neither counts nor reads', async (_, act) => {
    const sink = await open()
    const series = makeSeries()
    await sink.write(makePoints(series, 10), never)
    await act()
    const codes = [
      await failureOf(sink.write([makePoint(series, at, { value: 1 })], never)),
      await failureOf(sink.check(never)),
      await failureOf(countOf(sink, series, { after: 0, until: at }, never)),
      await failureOf(readAll(sink, series)),
    ]
    for (const { code, reach } of codes) expect([code, reach]).toEqual(['sink-replaced', 'run'])
  })

  it('leaves nothing beside the copy that would be taken for a part of it', async () => {
    const sink = await open()
    const series = makeSeries()
    await sink.write(makePoints(series, 10), never)
    await shell(`VACUUM INTO '${path}.copy'`)
    await sink.write(makePoints(makeSeries({ device: 'later' }), 5_000), never)
    await rename(`${path}.copy`, path)
    await failureOf(sink.write(makePoints(series, 10), never))
    await sink.close()
    const again = await open()
    expect(await shell('PRAGMA integrity_check')).toBe('ok')
    expect(await countOf(again, series, { after: 0, until: 2 * at }, never)).toBe(10)
    expect(await shell('SELECT count(*) FROM value')).toBe('10')
  })
})

describe('a full disk', () => {
  it('stops the sink with advice, keeps what was acknowledged, and goes on when there is room', async context => {
    const disk = await smallDisk()
    if (disk === undefined) return context.skip('no right to mount a small disk')
    try {
      const file = join(disk, 'points.db')
      const sink = await open(file)
      const series = makeSeries()
      expect(await sink.write(makePoints(series, 1_000), never)).toMatchObject({ written: 1_000 })
      await writeFile(join(disk, 'ballast'), Buffer.alloc(1_200_000))
      expect(await codeOf(sink.write(makePoints(series, 100_000), never))).toBe('disk-full')
      const range = { after: 0, until: 2e12 }
      expect(await countOf(sink, series, range, never)).toBe(1_000)
      await rm(join(disk, 'ballast'))
      expect(await sink.write(makePoints(series, 2_000), never)).toMatchObject({ written: 2_000 })
      expect(await countOf(sink, series, range, never)).toBe(2_000)
      await sink.close()
    } finally {
      await run('umount', [disk])
      await rm(disk, { recursive: true })
    }
  })
})

describe('the check of an SQLite sink', () => {
  it('tells the release of SQLite', async () => {
    const report = await (await open()).check(never)
    expect(report).toMatchObject({ kind: 'sqlite', retentionMs: undefined, warnings: [] })
    expect(report.version).toMatch(/^3\./)
  })
})

describe('a count of one of many series', () => {
  const plan = () =>
    shell(
      "EXPLAIN QUERY PLAN SELECT 1 FROM series CROSS JOIN value ON value.series = series.id WHERE measurement = 'a' AND tags = 'b' AND time > 1",
    )

  it('does not look at the others, in a file of an earlier state either', async () => {
    await (await open()).write(makePoints(makeSeries(), 1), never)
    expect(await plan()).toContain('(measurement=? AND tags=?)')
    for (const sink of opened.splice(0)) await sink.close()
    const earlier = new DatabaseSync(path)
    earlier.exec('DROP INDEX series_tags')
    earlier.close()
    expect(await plan()).not.toContain('(measurement=? AND tags=?)')
    expect(await countOf(await open(), makeSeries(), { after: 0, until: at * 2 }, never)).toBe(1)
    expect(await plan()).toContain('(measurement=? AND tags=?)')
  })
})
