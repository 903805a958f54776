import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { selectorMatches } from '../../../src/domain/datapoint.ts'
import type { Frame } from '../../../src/domain/entry.ts'
import { RangeSet, type TimeRange } from '../../../src/domain/range.ts'
import type { DataLogRequest } from '../../../src/domain/request.ts'
import { runGateway } from '../../../src/pipeline/gateway-run.ts'
import type { GatewayJob, RunSource } from '../../../src/pipeline/job.ts'
import { logFrame } from '../../support/log-frames.ts'
import { day, hour, lux, minute, openPipeline, today } from '../../support/pipeline.ts'
import { runs } from '../../support/runs.ts'
import { noEnd, unreachable } from '../../support/scripted-gateway.ts'
import { type SteeredClock, steeredClock } from '../../support/steered-clock.ts'

const year = 365 * day
/** Design §10: a request costs 0.3 s, entries come at 5,000 a second. */
const cost = { requestMs: 300, entriesPerSecond: 5_000 }

/** Entries a millisecond at a moment; pieces of constant density, so that the model need not make the entries. */
type Density = (ms: number) => number

interface Model extends RunSource {
  readonly asked: readonly TimeRange[]
  readonly entries: number
}

/**
 * A gateway that costs time by the steered clock. It delivers one frame in `thinning`: the run's own cost would else be
 * what is measured. `trouble` throws what a request fails with.
 */
function openModel(clock: SteeredClock, density: Density, thinning: number, trouble = (_: TimeRange) => {}): Model {
  const asked: TimeRange[] = []
  let entries = 0
  return {
    name: 'plant-a',
    clock,
    asked,
    get entries() {
      return entries
    },
    async hello() {},
    retentionOf: () => undefined,
    hasOwnTime: () => true,
    listing: () => undefined,
    readListAgain: async () => {},
    expectedPerDay: () => undefined,
    retentionReadAt: () => undefined,
    problems: () => [],
    async *readDataLog({ range }: DataLogRequest, signal): AsyncGenerator<readonly Frame[]> {
      asked.push(range)
      await clock.sleep(cost.requestMs, signal)
      trouble(range)
      let batch: Frame[] = []
      for (const ms of times(range, density, thinning)) {
        batch.push(logFrame(ms))
        if (batch.length < 50) continue
        await clock.sleep((batch.length * 1000) / (cost.entriesPerSecond / thinning), signal)
        entries += batch.length
        yield batch
        batch = []
      }
      await clock.sleep((batch.length * 1000) / (cost.entriesPerSecond / thinning), signal)
      entries += batch.length
      yield batch
    },
  }
}

/** Deterministic: where the integral of the density passes a whole number. Looks in steps of a minute where it is low. */
function* times({ after, until }: TimeRange, density: Density, thinning: number): Generator<number> {
  for (let start = Math.floor(after / hour) * hour; start < until; start += hour) {
    const count = Math.floor((density(start) * hour) / thinning)
    for (let i = 1; i <= count; i++) {
      const ms = start + Math.floor((i * hour) / count)
      if (ms > after && ms <= until) yield ms
    }
  }
}

function openRun(density: Density, options: { thinning?: number; trouble?: (range: TimeRange) => void } = {}) {
  const { thinning = 1, trouble } = options
  const clock = steeredClock(today)
  const { sink, parts, job, covered, parked } = openPipeline({ clock })
  const source = openModel(clock, density, thinning, trouble)
  const limits = { pause: 0, patience: 30 * minute }

  async function go(wanted: TimeRange, change: Partial<GatewayJob['requests']> = {}, signal?: AbortSignal) {
    const began = clock.now()
    const asked = source.asked.length
    const entries = source.entries
    const requests = {
      entries: 50_000 / thinning,
      shortest: minute,
      longest: 30 * day,
      per: 'auto',
      order: 'oldest',
      ...change,
    } as const
    const outcome = await runGateway(
      job(source, { limits, requests, demand: { kind: 'once', ...wanted } }),
      parts,
      signal ?? new AbortController().signal,
    )
    return {
      outcome,
      tookMs: clock.now() - began,
      asked: source.asked.slice(asked),
      entries: source.entries - entries,
    }
  }
  return { source, sink, go, covered, parked }
}

/** What the gateway cannot do faster: deliver the entries, in requests of the size that is aimed at. */
function idealMs(entries: number, thinning: number): number {
  const real = entries * thinning
  return (real / cost.entriesPerSecond) * 1000 + Math.ceil(real / 50_000) * cost.requestMs
}

describe('against a model of a gateway, by the clock of the model', () => {
  const thinning = 500
  const bursts = (ms: number) => (Math.floor(ms / (20 * day)) % 2 === 0 ? 20 / 1000 : 0)
  it.each<[string, number, Density, number]>([
    ['a dense log', 60, () => 20 / 1000, 0.95],
    ['a sparse log', 3 * 365, () => 12_000 / day, 0.95],
    ['a log of bursts', 120, bursts, 0.95],
  ])('%s takes hardly more time than its gateway makes it take', async (_name, days, density, share) => {
    const { go, covered } = openRun(density, { thinning })
    const wanted = { after: today - days * day, until: today }
    const { tookMs, outcome } = await go(wanted)
    expect(outcome.failure).toBeUndefined()
    expect(covered().covers(wanted)).toBe(true)
    // empty and sparse time costs requests whatever is done: what the longest range leaves is part of the ideal
    const emptyMs = Math.ceil(days / 30) * cost.requestMs
    const ideal = idealMs(outcome.receipt.received, thinning)
    expect(Math.max(ideal, emptyMs) / tookMs).toBeGreaterThanOrEqual(share)
  })

  it('five years of nothing cost no more than 100 requests', async () => {
    const { go, covered } = openRun(() => 0)
    const wanted = { after: today - 5 * year, until: today }
    const { asked } = await go(wanted)
    expect(covered().covers(wanted)).toBe(true)
    expect(asked.length).toBeLessThanOrEqual(100)
  })

  it('a burst after years of nothing is cut off, and asked for in ranges that fit', async () => {
    const burst = { after: today - 60 * day, until: today - 59 * day }
    const density = (ms: number) => (ms > burst.after && ms < burst.until ? 2_000_000 / thinning / day : 0)
    const { go, covered, sink, source } = openRun(density, { thinning: 1 })
    const wanted = { after: today - 3 * year, until: today }
    const { outcome, asked } = await go(wanted, { entries: 50_000 / thinning })
    expect(outcome).toMatchObject({ failure: undefined, parked: 0 })
    expect(covered().covers(wanted)).toBe(true)
    expect(outcome.receipt.received).toBe(sink.stored.size)
    expect(asked.length).toBeLessThan(150)
    // what was cut off is the price: less than the burst itself
    expect(source.entries - outcome.receipt.received).toBeLessThan(outcome.receipt.received)
  })

  it('nothing that is final is asked for again, however often it is run and whatever is added', async () => {
    const { go } = openRun(() => 100 / hour)
    await go({ after: today - 40 * day, until: today - 10 * day })
    const { asked } = await go({ after: today - 50 * day, until: today })
    for (const range of asked)
      expect(RangeSet.of(range).intersect({ after: today - 40 * day, until: today - 10 * day }).isEmpty).toBe(true)
    expect((await go({ after: today - 50 * day, until: today })).asked).toEqual([])
  })

  it('whatever fails, dies and recovers: what was asked tiles what was wanted, and coverage and parked ranges are all of it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          days: fc.integer({ min: 1, max: 60 }),
          perHour: fc.integer({ min: 0, max: 400 }),
          order: fc.constantFrom('oldest' as const, 'newest' as const, 'rescue' as const),
          sick: fc.array(fc.tuple(fc.integer({ min: 0, max: 60 * 24 }), fc.integer({ min: 1, max: 90 })), {
            maxLength: 3,
          }),
          deaths: fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 3 }),
        }),
        async ({ days, perHour, order, sick, deaths }) => {
          const wanted = { after: today - days * day, until: today }
          const holes = sick.map(([at, minutes]) => ({
            after: today - at * hour,
            until: today - at * hour + minutes * minute,
          }))
          let requests = 0
          const { go, covered, parked, sink } = openRun(() => perHour / hour, {
            trouble(range) {
              if (deaths.includes(++requests)) throw unreachable()
              if (holes.some(hole => hole.after < range.until && range.after < hole.until)) throw noEnd()
            },
          })
          const { outcome } = await go(wanted, { order })
          expect(outcome).toMatchObject({ failure: undefined, leftMs: 0 })
          expect(covered().add(parked()).ranges).toEqual([wanted])
          expect(covered().intersect(parked()).isEmpty).toBe(true)
          const stored = [...times(wanted, () => perHour / hour, 1)].filter(ms =>
            covered().covers({ after: ms - 1, until: ms }),
          )
          expect(sink.stored.size).toBeGreaterThanOrEqual(stored.length)
        },
      ),
      {
        numRuns: runs(10),
        // the death comes while a sick piece is tried once more: it must not hide that only sick pieces are left
        examples: [[{ days: 1, perHour: 0, order: 'oldest', sick: [[10, 44]], deaths: [49] }]],
      },
    )
  }, 300_000)

  it('a sick month hides nothing that lies behind it: all else is fetched, and the month is parked', async () => {
    const density = () => 20_000 / day
    const sick = { after: today - 200 * day, until: today - 170 * day }
    const { go, covered, parked } = openRun(density, {
      thinning: 100,
      trouble(range) {
        if (sick.after < range.until && range.after < sick.until) throw noEnd()
      },
    })
    const wanted = { after: sick.after, until: today }
    // the windows fit the log by then: a sick month is many requests long
    await go({ after: sick.after - 60 * day, until: sick.after })
    const { outcome, asked } = await go(wanted)
    expect(outcome).toMatchObject({ failure: undefined, leftMs: 0 })
    // to the shortest length, not to a request's
    expect(covered().covers({ after: sick.until + minute, until: today })).toBe(true)
    expect(covered().add(parked()).covers(wanted)).toBe(true)
    expect(asked.length).toBeLessThan(400)
  })

  it('stopped at any moments and resumed, it ends with the same coverage and the same database', async () => {
    const density = () => 200 / hour
    const wanted = { after: today - 20 * day, until: today }
    const whole = openRun(density)
    await whole.go(wanted)
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 30_000 }), { maxLength: 5 }), async stops => {
        const { go, covered, sink, source } = openRun(density)
        for (const stopMs of stops) {
          const stop = new AbortController()
          const clock = source.clock as SteeredClock
          const stopping = clock.sleep(stopMs).then(() => stop.abort(new DOMException('stop', 'AbortError')))
          await go(wanted, {}, stop.signal).catch(error => expect(error).toBe(stop.signal.reason))
          await stopping
        }
        await go(wanted)
        expect(covered().ranges).toEqual(whole.covered().ranges)
        expect([...sink.stored.keys()].sort()).toEqual([...whole.sink.stored.keys()].sort())
      }),
      { numRuns: runs(6) },
    )
  }, 300_000)

  it('selects by itself what was asked for', () => {
    expect(
      selectorMatches(lux, {
        device: 'Sensor 1',
        deviceId: '',
        block: 'LightSensor',
        index: 0,
        name: 'x',
        xif: 'nvoLux',
      }),
    ).toBe(true)
  })
})
