import { describe, expect, it } from 'vitest'
import { RangeSet } from '../../../src/domain/range.ts'
import { checkDatabase } from '../../../src/pipeline/check-database.ts'
import { createDatabaseWatch } from '../../../src/pipeline/database-watch.ts'
import { run as runJobs } from '../../../src/pipeline/run.ts'
import { sinkFailure } from '../../../src/sinks/failures.ts'
import type { Sink } from '../../../src/sinks/sink.ts'
import { day, hour, lux, openPipelineInto, today } from '../../support/pipeline.ts'
import { type GatewayScript, scriptedGateway } from '../../support/scripted-gateway.ts'
import { type ScriptedSink, scriptedSink } from '../../support/scripted-sink.ts'

const never = new AbortController().signal
const whole = { after: today - day, until: today }
const older = { after: today - 2 * day, until: today - day }

/** A database that a test does something to, between runs or within one. */
function openSite(change: (sink: ScriptedSink) => Partial<Sink> = () => ({})) {
  const database = scriptedSink()
  const sink = { ...database, ...change(database) }
  const { parts, job, clock, events, ledger } = openPipelineInto(sink)
  /** A process of its own each time: what it knows is in the ledger. */
  async function run(range = whole, script: Partial<GatewayScript> = {}, into: Sink = sink) {
    const source = scriptedGateway({ now: clock.now, ...script })
    const watch = createDatabaseWatch({ sink: into, ledger, clock })
    events.length = 0
    const { warnings: words } = await checkDatabase({ ...parts, sink: into, database: watch }, never)
    const demand = { kind: 'once', ...range } as const
    const outcome = await runJobs([job(source, { demand })], { ...parts, sink: into, database: watch }, never)
    expect(outcome.gateways[0]!.failure).toBeUndefined()
    const said = events.flatMap(event => (event.kind === 'database-doubted' ? event.words : []))
    return { asked: RangeSet.from(source.asked), requests: source.asked.length, words, said, outcome }
  }
  return { database, run, clock, ledger }
}

const nothing = { asked: RangeSet.empty, words: [], said: [] }

describe('a database that stays what it is', () => {
  it('is asked for nothing again, and nothing is said of it', async () => {
    const { run } = openSite()
    await run()
    expect(await run()).toMatchObject(nothing)
  })
})

describe('a database that was made anew', () => {
  it('is filled again, and this is said once', async () => {
    const { database, run } = openSite()
    await run()
    await run(older)
    database.drop()
    const again = await run()
    expect(again.asked).toEqual(RangeSet.of(whole))
    expect(again.words).toEqual([expect.stringContaining('made anew')])
    expect((await run(older)).asked).toEqual(RangeSet.of(older))
    expect(await run(older)).toMatchObject(nothing)
  })

  it('in the midst of a run has all of it when the run ends', async () => {
    const { database, run } = openSite()
    const { asked, said, outcome } = await run(whole, {
      request: (_, attempt) => void (attempt === 7 && database.drop()),
    })
    expect(asked).toEqual(RangeSet.of(whole))
    expect(said).toEqual([expect.stringContaining('made anew')])
    expect(outcome.gateways[0]).toMatchObject({ failure: undefined, leftMs: 0, isShort: false })
    const held = database.copy()
    held()
    expect(await run()).toMatchObject(nothing)
    const series = [...database.stored.values()][0]!.series
    expect((await database.counts([series], whole, never)).get(series)).toBe(12)
  })

  it('while one range was being written does not get half of that range', async () => {
    let writes = 0
    const { database, run } = openSite(inner => ({
      async write(points, signal) {
        const result = await inner.write(points, signal)
        if (points[0]!.series.measurement === 'datalog' && ++writes === 3) inner.drop()
        return result
      },
    }))
    await run()
    const series = [...database.stored.values()][0]!.series
    expect((await database.counts([series], whole, never)).get(series)).toBe(12)
  })
})

describe('a database in whose place an older copy was put', () => {
  it('gets what was recorded after the copy was made, and nothing else', async () => {
    const { database, run } = openSite()
    await run(older)
    const putBack = database.copy()
    await run(whole)
    putBack()
    const { asked, requests, words } = await run({ after: older.after, until: whole.until })
    expect([asked, requests]).toEqual([RangeSet.of(whole), 12])
    expect(words).toEqual([expect.stringContaining('older copy')])
  })

  it('that was made in the midst of a run is found by the count of what was recorded last', async () => {
    const { database, run } = openSite()
    await run(older)
    let putBack = () => {}
    const { asked, said } = await run(whole, {
      request(_, attempt) {
        if (attempt === 3) putBack = database.copy()
        if (attempt === 12) putBack()
      },
    })
    expect(asked).toEqual(RangeSet.of(whole))
    expect(said).toEqual([])
    putBack()
    const again = await run({ after: older.after, until: whole.until })
    expect(again.asked).toEqual(RangeSet.of(whole))
  })
})

describe('a measurement that was dropped', () => {
  it('is fetched again, though the mark is there', async () => {
    const { database, run } = openSite()
    await run()
    database.drop('datalog')
    const { asked, words } = await run()
    expect(asked).toEqual(RangeSet.of(whole))
    expect(words).toEqual([expect.stringContaining('measurement datalog')])
  })
})

describe('a database that acknowledges what it does not keep', () => {
  it('is told of, run after run, and the gateway is not asked again and again', async () => {
    const { run } = openSite(inner => ({
      async counts(series, range, signal) {
        const held = await inner.counts(series, range, signal)
        return new Map([...held].map(([one, n]) => [one, Math.floor(n / 10)]))
      },
    }))
    const { said, outcome } = await run(whole, { frames: ({ until }) => [until - 3, until - 2, until - 1, until] })
    expect(said).toEqual([expect.stringContaining('holds 0 of 4 points')])
    expect(outcome.gateways[0]).toMatchObject({ isShort: true })
    expect(await run()).toMatchObject({ asked: RangeSet.empty })
  })

  it('and does not give back its mark is told of, and is not taken for one that was made anew', async () => {
    const { run } = openSite(() => ({ async *read() {} }))
    expect((await run()).words).toEqual([expect.stringContaining('cannot be told')])
    expect(await run()).toMatchObject({ asked: RangeSet.empty, words: [expect.stringContaining('cannot be told')] })
  })
})

describe('a database that may not be read', () => {
  const unreadable = () => {
    throw sinkFailure('sink-unreadable', 'no right to read')
  }

  it('is told of, and is not taken for one that was made anew', async () => {
    const { run } = openSite(() => ({ read: unreadable, counts: unreadable }))
    expect((await run()).words).toEqual([expect.stringContaining('no right to read')])
    expect(await run()).toMatchObject({ asked: RangeSet.empty })
  })

  it('is known to be another one where the server says so', async () => {
    let bucketId = 'a'
    const { run } = openSite(() => ({ read: unreadable, counts: unreadable, identity: async () => ({ bucketId }) }))
    await run()
    bucketId = 'b'
    expect((await run()).asked).toEqual(RangeSet.of(whole))
  })
})

describe('a database that answers before its data are durable', () => {
  it('gets again what was recorded since it was last made durable, where it was started again', async () => {
    let startedAt = '1'
    let durable = 0
    const { run, database } = openSite(() => ({
      identity: async () => ({ startedAt }),
      makeDurable: async () => void durable++,
    }))
    await run(older)
    const before = durable
    startedAt = '2'
    // all that the run recorded was made durable at its end
    expect(await run(older)).toMatchObject(nothing)
    const { asked, requests } = await run(whole, {
      request(_, attempt) {
        if (attempt === 8) startedAt = '3'
      },
    })
    expect(asked).toEqual(RangeSet.of(whole))
    expect(requests).toBeGreaterThan(12)
    expect(durable).toBeGreaterThan(before)
    expect(database.stored.size).toBe(24)
    expect(await run({ after: older.after, until: whole.until })).toMatchObject(nothing)
  })
})

describe('the same database at another address', () => {
  it('is known by its mark, and nothing is fetched again', async () => {
    const { database, run, ledger } = openSite()
    await run()
    const moved = { ...database, id: 'elsewhere' }
    expect(await run(whole, {}, moved)).toMatchObject({ asked: RangeSet.empty })
    expect(ledger.coverage.of({ sink: 'elsewhere', gateway: 'plant-a' }, [lux]).get(lux)!.final.covers(whole)).toBe(
      true,
    )
  })

  it('is another one where it bears no mark of this ledger', async () => {
    const { run } = openSite()
    await run()
    const other = { ...scriptedSink(), id: 'elsewhere' }
    expect((await run(whole, {}, other)).asked).toEqual(RangeSet.of(whole))
    expect(await run()).toMatchObject(nothing)
  })
})

describe('a comparison that two runs wait for', () => {
  it('goes on for the one when the other is stopped', async () => {
    const database = scriptedSink()
    const { ledger, clock } = openPipelineInto(database)
    const asked = Promise.withResolvers<void>()
    let identities = 0
    const identity = (signal: AbortSignal) => {
      if (++identities > 1) return Promise.resolve({})
      asked.resolve()
      return new Promise<never>((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason))
      })
    }
    const watch = createDatabaseWatch({ sink: { ...database, identity }, ledger, clock })
    const [first, second] = [new AbortController(), new AbortController()]
    const stopped = expect(watch.confirm(first.signal)).rejects.toThrow('stopped')
    await asked.promise
    const other = watch.confirm(second.signal)
    first.abort(new Error('stopped'))
    await stopped
    expect(await other).toEqual({ words: [], isShort: false })
  })
})

describe('an answer that is short for a moment', () => {
  it('is asked for again before anything is concluded', async () => {
    let missing = 0
    const { run, clock } = openSite(inner => ({
      read: (series, range, signal) => (missing-- > 0 ? (async function* () {})() : inner.read(series, range, signal)),
    }))
    await run()
    missing = 4
    const before = clock.now()
    expect(await run()).toMatchObject(nothing)
    expect(clock.now() - before).toBeLessThan(hour)
  })
})
