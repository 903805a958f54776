import { describe, expect, it } from 'vitest'
import type { Selector } from '../../../src/domain/datapoint.ts'
import { Failure } from '../../../src/domain/failure.ts'
import { RangeSet, type TimeRange } from '../../../src/domain/range.ts'
import { run } from '../../../src/pipeline/run.ts'
import type { Sink } from '../../../src/sinks/sink.ts'
import { day, hour, lux, minute, openPipelineInto, today } from '../../support/pipeline.ts'
import { type GatewayScript, noEnd, scriptedGateway, unreachable } from '../../support/scripted-gateway.ts'
import { scriptedSink } from '../../support/scripted-sink.ts'
import { steeredClock } from '../../support/steered-clock.ts'

/** A run over scripted gateways. */
function openRun(sink: Sink = scriptedSink()) {
  const pipeline = openPipelineInto(sink)
  const { clock, ledger } = pipeline
  return {
    ...pipeline,
    gateway: (script: Omit<GatewayScript, 'now'> = {}) => scriptedGateway({ now: clock.now, ...script }),
    covered: (name?: string, selector?: Selector) => pipeline.covered(name, selector).ranges,
    parked: (name = 'plant-a') => ledger.parked.of({ sink: sink.id, gateway: name }, lux).map(({ range }) => range),
  }
}

function overlaps(a: TimeRange, b: TimeRange): boolean {
  return a.after < b.until && b.after < a.until
}

describe('a run', () => {
  it('covers all that was wanted, tile by tile, with a rest between requests', async () => {
    const { clock, gateway, job, covered, go, kinds } = openRun()
    const source = gateway()
    const outcome = await go([job(source)])
    expect(covered()).toEqual([{ after: today - day, until: today }])
    expect(source.asked).toHaveLength(12)
    for (const [i, range] of source.asked.entries())
      expect(range).toEqual({ after: today - day + i * 2 * hour, until: today - day + (i + 1) * 2 * hour })
    expect(outcome).toMatchObject({ requests: 12, receipt: { received: 12, written: 12 } })
    expect(outcome.gateways[0]).toMatchObject({ gateway: 'plant-a', parked: 0, failure: undefined })
    expect(clock.slept).toEqual(Array.from({ length: 11 }, () => 100))
    expect(kinds('planned')).toEqual([{ gateway: 'plant-a', kind: 'planned', lengthMs: day }])
    expect(kinds('done').map(event => event.kind === 'done' && event.lengthLeft)).toEqual(
      Array.from({ length: 12 }, (_, i) => (11 - i) * 2 * hour),
    )
  })

  it('does not ask for what the gateway does not have, does not call it complete, and says so', async () => {
    const { gateway, job, go, covered, ledger, parts } = openRun()
    const typo: Selector = { ...lux, device: { name: 'Sensr 1' } }
    const problem = (selector: Selector) => ({
      ...{
        selector,
        datapoint: 'x',
        code: 'unknown-device' as const,
        message: 'no such device',
        suggestion: undefined,
      },
    })
    const source = { ...gateway(), problems: () => [problem(typo)] }
    const outcome = await go([job(source, { selectors: [typo] })])
    expect(source.asked).toEqual([])
    expect(covered('plant-a', typo)).toEqual([])
    expect(outcome.gateways[0]).toMatchObject({ failure: undefined, problems: [{ code: 'unknown-device' }] })

    // a device that was removed: what it logged while it was there is asked for
    await go([job(gateway())])
    expect(ledger.coverage.hasContent({ sink: parts.sink.id, gateway: 'plant-a' }, lux)).toBe(true)
    const removed = { ...gateway(), problems: () => [problem(lux)] }
    await go([job(removed, { demand: { kind: 'once', after: today - 2 * day, until: today } })])
    expect(removed.asked.length).toBeGreaterThan(0)
  })

  it('asks for nothing a second time', async () => {
    const { gateway, job, go } = openRun()
    await go([job(gateway())])
    const again = gateway()
    expect(await go([job(again)])).toMatchObject({ requests: 0, receipt: { received: 0 } })
    expect(again.asked).toEqual([])
  })

  it('never asks for what has not settled by the gateway’s own clock', async () => {
    const { gateway, job, go, covered } = openRun()
    const source = { ...gateway(), clock: { now: () => today - 3 * hour } }
    await go([
      job(source, {
        maturity: { settle: minute, lateness: hour },
        demand: { kind: 'once', after: today - 3 * hour - day, until: today + day },
      }),
    ])
    const now = today - 3 * hour
    expect(Math.max(...source.asked.map(({ until }) => until))).toBe(now - minute)
    // what is younger than the lateness is not final yet
    expect(covered()).toEqual([{ after: now - day, until: now - hour }])
  })

  it('uses as many sockets as it may, and no more', async () => {
    for (const sockets of [1, 3]) {
      const { gateway, job, go, covered } = openRun()
      const source = gateway({ request: () => new Promise(resolve => setTimeout(resolve, 5)) })
      await go([job(source, { limits: { sockets, pause: 0 } })])
      expect(source.open.most).toBe(sockets)
      expect(covered()).toEqual([{ after: today - day, until: today }])
    }
  })
})

describe('a request that fails', () => {
  it('is made again, later each time, and counts for nothing', async () => {
    const { clock, gateway, job, go, covered, kinds } = openRun()
    const source = gateway({
      request: (_, attempt) => {
        if (attempt <= 2) throw noEnd()
      },
    })
    const outcome = await go([job(source)])
    // what has failed comes after all that has not
    expect(source.asked.slice(-2)).toEqual(source.asked.slice(0, 2))
    expect(outcome).toMatchObject({ requests: 12, receipt: { received: 12, written: 12 } })
    expect(covered()).toEqual([{ after: today - day, until: today }])
    const waits = kinds('failed').map(event => (event.kind === 'failed' ? event.waitMs : 0))
    expect(waits).toHaveLength(2)
    expect(waits[0]).toBeGreaterThanOrEqual(500)
    expect(waits[1]).toBeGreaterThanOrEqual(1_000)
    expect(clock.slept.slice(0, 2)).toEqual(waits)
  })

  it('waits at least as long as the gateway asks', async () => {
    const { gateway, job, go, kinds } = openRun()
    const source = gateway({
      request: (_, attempt) => {
        if (attempt === 1)
          throw new Failure('busy', { code: 'x', retry: 'soon', reach: 'request', retryAfterMs: 45_000 })
      },
    })
    await go([job(source)])
    expect(kinds('failed')[0]).toMatchObject({ waitMs: 45_000 })
  })

  it('because of one sick minute is halved until that minute alone is parked; all else is covered', async () => {
    for (const order of ['oldest', 'newest'] as const) {
      const { gateway, job, go, covered, parked } = openRun()
      // 2 hours are 120 minutes, halved to 60, 30, 15, 7½ … the sick moment lies in the midst of one
      const sick = { after: today - 5 * hour + 20_000, until: today - 5 * hour + 20_001 }
      const source = gateway({
        request: range => {
          if (overlaps(range, sick)) throw noEnd()
        },
      })
      const { requests } = job(source)
      const outcome = await go([job(source, { requests: { ...requests, order } })])
      expect(outcome.gateways[0]).toMatchObject({ parked: 1, failure: undefined })
      expect(parked()).toHaveLength(1)
      const [hole] = parked()
      expect(overlaps(hole!, sick)).toBe(true)
      expect(hole!.until - hole!.after).toBeGreaterThanOrEqual(minute)
      expect(hole!.until - hole!.after).toBeLessThan(2 * minute)
      expect(covered()).toEqual([
        { after: today - day, until: hole!.after },
        { after: hole!.until, until: today },
      ])
    }
  })

  it('through and through is parked, and never in the way of what lies behind it', async () => {
    const { gateway, job, go, covered, parked } = openRun()
    const sick = { after: today - 20 * hour, until: today - 19 * hour }
    const source = gateway({
      request: range => {
        if (overlaps(range, sick)) throw noEnd()
      },
    })
    for (let i = 0; i < 2; i++) {
      const outcome = await go([job(source)])
      expect(outcome.gateways[0]).toMatchObject({ failure: undefined, leftMs: 0 })
      expect(outcome.gateways[0]!.parked).toBeGreaterThan(0)
      const holes = RangeSet.of(...parked())
      expect(RangeSet.of(...covered()).add(holes).ranges).toEqual([{ after: today - day, until: today }])
      expect(RangeSet.of(...covered()).intersect(holes).isEmpty).toBe(true)
      expect(holes.length).toBeLessThan(1.1 * hour)
    }
  })

  it('because of a sick minute that recovers is fetched by a later run, and no longer parked', async () => {
    const { gateway, job, go, covered, parked } = openRun()
    const sick = { after: today - 5 * hour, until: today - 5 * hour + 1 }
    const source = gateway({
      request: range => {
        if (overlaps(range, sick)) throw noEnd()
      },
    })
    await go([job(source)])
    expect(parked()).toHaveLength(1)
    await go([job(gateway())])
    expect(parked()).toEqual([])
    expect(covered()).toEqual([{ after: today - day, until: today }])
  })

  it('because of a sick hour stands in the way of what lies behind it for a few runs only: parked ranges rest', async () => {
    const { gateway, job, go, covered, clock } = openRun()
    const sick = { after: today - 20 * hour, until: today - 19 * hour }
    const request = (range: TimeRange) => {
      if (overlaps(range, sick)) throw noEnd()
    }
    const restful = { kind: 'sync', sinceMs: day } as const
    let runs = 0
    for (; runs < 8; runs++) {
      const outcome = await go([job(gateway({ request }), { demand: restful })])
      if (outcome.gateways[0]!.failure === undefined) break
      clock.advance(5 * minute)
    }
    expect(runs).toBeLessThan(8)
    expect(covered()).toHaveLength(2)
    const [before, behind] = covered()
    expect(before!.until).toBeLessThanOrEqual(sick.after)
    expect(before!.until).toBeGreaterThan(sick.after - 2 * minute)
    expect(behind!.after).toBeGreaterThanOrEqual(sick.until)
    expect(behind!.after).toBeLessThan(sick.until + 2 * minute)
    expect(behind!.until).toBe(today)
  })

  it('for ever and everywhere is the gateway’s own trouble: it is given up before all is parked', async () => {
    const { gateway, job, go, parked } = openRun()
    const source = gateway({
      request: () => {
        throw noEnd()
      },
    })
    const outcome = await go([job(source)])
    expect(outcome.gateways[0]!.failure).toMatchObject({ code: 'no-end' })
    expect(source.asked.length).toBeLessThan(60)
    expect(parked().length).toBeLessThan(20)
  })
})

describe('a gateway that is away', () => {
  it('at the start is given up after a few tries', async () => {
    const { gateway, job, go, clock } = openRun()
    const source = gateway({
      hello: () => {
        throw unreachable()
      },
    })
    const outcome = await go([job(source)])
    expect(outcome.gateways[0]!.failure).toMatchObject({ code: 'gateway-unreachable' })
    expect(source.hellos).toBe(4)
    expect(source.asked).toEqual([])
    expect(clock.now() - today).toBeLessThan(minute)
  })

  it('at the start is given up as soon if its connections break: that is no trouble of a range', async () => {
    const { gateway, job, go } = openRun()
    const source = gateway({
      hello: () => {
        throw new Failure('the connection broke', { code: 'connection-broken', retry: 'soon', reach: 'request' })
      },
    })
    const outcome = await go([job(source)])
    expect(outcome.gateways[0]!.failure).toMatchObject({ code: 'connection-broken' })
    expect(source.hellos).toBe(4)
  })

  it('for a moment at the start is waited for', async () => {
    const { gateway, job, go, covered } = openRun()
    const source = gateway({
      hello: attempt => {
        if (attempt < 4) throw unreachable()
      },
    })
    expect((await go([job(source)])).gateways[0]!.failure).toBeUndefined()
    expect(covered()).toEqual([{ after: today - day, until: today }])
  })

  it('in the middle is waited for within the patience, without halving or parking anything', async () => {
    const { gateway, job, go, covered, clock, kinds, parked } = openRun()
    const back = today + 8 * minute
    const source = gateway({
      request: (_, attempt) => {
        if (attempt > 3 && clock.now() < back) throw unreachable()
      },
    })
    const outcome = await go([job(source)])
    expect(outcome.gateways[0]).toMatchObject({ failure: undefined, parked: 0, requests: 12 })
    expect(covered()).toEqual([{ after: today - day, until: today }])
    expect(parked()).toEqual([])
    for (const event of kinds('failed')) expect(event.kind === 'failed' && event.waitMs).toBeLessThanOrEqual(minute)
  })

  it('in the middle is waited for as long as the patience is, however many tries that makes', async () => {
    const { gateway, job, go, covered, clock } = openRun()
    const source = gateway({
      request: (_, attempt) => {
        if (attempt > 3 && clock.now() < today + 3 * hour) throw unreachable()
      },
    })
    const limits = { patience: 4 * hour }
    expect((await go([job(source, { limits })])).gateways[0]!.failure).toBeUndefined()
    expect(covered()).toEqual([{ after: today - day, until: today }])
  })

  it('in the middle for longer than the patience is given up; what was recorded stays', async () => {
    const { gateway, job, go, covered, clock } = openRun()
    const source = gateway({
      request: (_, attempt) => {
        if (attempt > 3) throw unreachable()
      },
    })
    const outcome = await go([job(source)])
    expect(outcome.gateways[0]!.failure).toMatchObject({ code: 'gateway-unreachable' })
    expect(covered()).toEqual([{ after: today - day, until: today - day + 6 * hour }])
    expect(clock.now() - today).toBeGreaterThan(10 * minute)
    expect(clock.now() - today).toBeLessThan(13 * minute)
  })

  it('after a request that took longer than the patience is still waited for', async () => {
    const { gateway, job, go, covered, clock } = openRun()
    const source = gateway({
      request: (_, attempt) => {
        // a database that stood still for an hour, and only then the gateway goes away for a moment
        if (attempt === 2) clock.advance(hour)
        if (attempt >= 2 && attempt < 4) throw unreachable()
      },
    })
    expect((await go([job(source)])).gateways[0]!.failure).toBeUndefined()
    expect(covered()).toEqual([{ after: today - day, until: today }])
  })

  it('or that rejects the password is given up at once', async () => {
    const rejected = new Failure('the gateway rejects the login of "etl"', {
      code: 'login-rejected',
      retry: 'never',
      reach: 'gateway',
      retryAfterMs: 30 * minute,
    })
    const { gateway, job, go, clock } = openRun()
    const atStart = gateway({
      hello: () => {
        throw rejected
      },
    })
    expect((await go([job(atStart)])).gateways[0]!.failure).toBe(rejected)
    expect(atStart.hellos).toBe(1)
    const inTheMiddle = gateway({
      request: (_, attempt) => {
        if (attempt === 2) throw rejected
      },
    })
    expect((await go([job(inTheMiddle, { limits: {} })])).gateways[0]!.failure).toBe(rejected)
    expect(inTheMiddle.asked).toHaveLength(2)
    expect(clock.now() - today).toBeLessThan(minute)
  })

  it('does not delay another one', async () => {
    const clock = steeredClock(today)
    const { parts, gateway, job, covered, throttleOf } = openRun()
    // no sleep ends: the sick one sleeps for the whole of the test
    const away = gateway({
      name: 'plant-away',
      hello: () => {
        throw unreachable()
      },
    })
    const healthy = gateway({ name: 'plant-b' })
    const jobs = [job(away, { throttle: throttleOf({}, clock) }), job(healthy)]
    const outcome = run(jobs, { ...parts, clock }, new AbortController().signal)
    await expect.poll(() => covered('plant-b')).toEqual([{ after: today - day, until: today }])
    expect(away.hellos).toBe(1)
    expect(clock.sleeping).toBe(1)
    clock.runFreely()
    const { gateways, requests } = await outcome
    expect(gateways.map(({ failure }) => failure?.code)).toEqual(['gateway-unreachable', undefined])
    expect(requests).toBe(12)
  })
})

describe('what reaches the sink or the run', () => {
  const denied = new Failure('the database denies the token', { code: 'denied', retry: 'never', reach: 'sink' })

  it('stops all gateways, and is thrown', async () => {
    const sink = scriptedSink(async points => {
      if (points.some(({ series }) => series.tags.get('gateway') === 'plant-b')) throw denied
      return []
    })
    const { gateway, job, go, parts } = openRun(sink)
    let waiting = false
    const other = gateway({
      name: 'plant-a',
      request: (_, attempt, signal) => {
        if (attempt < 2) return
        waiting = true
        return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
      },
    })
    const sick = gateway({ name: 'plant-b', request: () => expect.poll(() => waiting).toBe(true) })
    await expect(go([job(other), job(sick)])).rejects.toBe(denied)
    expect(other.open.now).toBe(0)
    expect(parts.ledger.parked.of({ sink: 'scripted', gateway: 'plant-b' }, lux)).toEqual([])
  })

  it('is thrown only when every socket of the gateway has come to rest', async () => {
    let answers = 0
    const sink = scriptedSink(async (_, signal) => {
      if (++answers === 2) throw denied
      await new Promise(resolve => signal.addEventListener('abort', resolve))
      // the database needs a moment to let go
      await new Promise(resolve => setTimeout(resolve, 50))
      signal.throwIfAborted()
      return []
    })
    const { gateway, job, go } = openRun(sink)
    const source = gateway()
    const limits = { sockets: 2, pause: 0 }
    await expect(go([job(source, { limits })])).rejects.toBe(denied)
    expect(source.open.now).toBe(0)
    expect(sink.inFlight.now).toBe(0)
  })
})

describe('a run that is stopped', () => {
  it.each<[string, Omit<GatewayScript, 'now'>]>([
    [
      'is in the midst of a request',
      { request: (_, attempt, signal) => (attempt < 3 ? undefined : untilAborted(signal)) },
    ],
    [
      'waits before another try',
      {
        request: (_, attempt) => {
          if (attempt >= 3) throw noEnd()
        },
      },
    ],
    [
      'waits for a gateway',
      {
        hello: () => {
          throw unreachable()
        },
      },
    ],
  ])('while it %s ends at once, with the reason; what was recorded stays', async (_, script) => {
    const { parts, gateway, job, covered, throttleOf } = openRun()
    const clock = steeredClock(today)
    const stop = new AbortController()
    const reason = new Error('stopped by SIGTERM')
    const source = gateway(script)
    const outcome = run([job(source, { throttle: throttleOf({}, clock) })], { ...parts, clock }, stop.signal)
    const ended = expect(outcome).rejects.toBe(reason)
    const isThere = () => {
      if (script.hello !== undefined) return clock.sleeping === 1
      if (source.asked.length < 3) clock.advance(100)
      return source.asked.length === 3
    }
    await expect.poll(isThere).toBe(true)
    stop.abort(reason)
    await ended
    expect(source.open.now).toBe(0)
    const done = script.request === undefined ? [] : [{ after: today - day, until: today - day + 4 * hour }]
    expect(covered()).toEqual(done)
    expect(parts.ledger.parked.of({ sink: 'scripted', gateway: 'plant-a' }, lux)).toEqual([])
  })

  it('before its start makes no request', async () => {
    const { gateway, job, go } = openRun()
    const source = gateway()
    const reason = new Error('stopped')
    await expect(go([job(source)], AbortSignal.abort(reason))).rejects.toBe(reason)
    expect(source.hellos).toBe(0)
  })
})

describe('a gateway that is run again and again', () => {
  it('is asked no more often than its limits allow, however many passes there are', async () => {
    const { clock, gateway, job, go } = openRun()
    const starts: number[] = []
    const source = gateway({ request: () => void starts.push(clock.now()) })
    const its = job(source, { limits: { pause: 5_000, requestsPerMinute: 2 } })
    while (clock.now() < today + 10 * minute) {
      await go([{ ...its, demand: { kind: 'sync', sinceMs: minute, deadline: clock.now() + 1_500 } }])
      await clock.sleep(2_000)
    }
    expect(starts.length).toBeGreaterThan(15)
    for (const [i, start] of starts.entries())
      expect(starts.slice(i + 1).filter(at => at < start + minute).length).toBeLessThan(2)
  })

  const tooMany = () =>
    new Failure('fewer requests, please', {
      ...{ code: 'too-fast', retry: 'soon', reach: 'gateway', retryAfterMs: 2 * minute },
    })

  it('is asked by none of its sockets, nor in the next pass, before the wait that it asked for is over', async () => {
    const { clock, gateway, job, go, parts } = openRun()
    const starts: number[] = []
    const source = gateway({
      request(_, attempt) {
        starts.push(clock.now())
        if (attempt === 3) throw tooMany()
      },
    })
    const its = job(source, { limits: { sockets: 4, pause: 0, patience: hour } })
    const pass = (deadline: number) => go([{ ...its, demand: { kind: 'sync', sinceMs: day, deadline } }])
    const first = await pass(clock.now() + minute)
    const heldFrom = starts[2]!
    expect(first.gateways[0]!.failure).toMatchObject({ code: 'too-fast' })
    const hellos = source.hellos
    // the next one has less time than the gateway wants to be left alone
    await pass(clock.now() + minute / 2)
    expect(source.hellos).toBe(hellos)
    await pass(clock.now() + hour)
    const later = starts.slice(3).filter(at => at > heldFrom)
    expect(later.length).toBeGreaterThan(0)
    for (const at of later) expect(at).toBeGreaterThanOrEqual(heldFrom + 2 * minute)
    expect(parts.ledger.parked.of({ sink: parts.sink.id, gateway: 'plant-a' }, lux)).toEqual([])
  })

  it('costs a sick one a few requests a pass, until it answers one again', async () => {
    const { gateway, job, go } = openRun()
    let isSick = true
    const source = gateway({
      request() {
        if (isSick) throw noEnd()
      },
    })
    const pass = () => go([job(source)])
    await pass()
    const first = source.asked.length
    for (let n = 0; n < 10; n++) await pass()
    expect(source.asked.length - first).toBeLessThanOrEqual(10 * 5)
    isSick = false
    expect((await pass()).gateways[0]).toMatchObject({ failure: undefined, leftMs: 0, parked: 0 })
  })

  it('is given its pause after a failure and after a request that was cut off, too', async () => {
    const { clock, gateway, job, go } = openRun()
    const ends: number[] = []
    const starts: number[] = []
    const source = gateway({
      request(_, attempt) {
        starts.push(clock.now())
        ends.push(clock.now())
        if (attempt === 2) throw noEnd()
        if (attempt === 4) throw new Failure('much', { code: 'too-dense', retry: 'soon', reach: 'request' })
      },
    })
    const limits = { pause: 30_000 }
    await go([job(source, { limits })])
    expect(starts.length).toBeGreaterThan(12)
    for (const [i, start] of starts.slice(1).entries()) expect(start - ends[i]!).toBeGreaterThanOrEqual(30_000)
  })

  it('has what failed shortly before the end of a pass left for the next one, not parked', async () => {
    const { clock, gateway, job, go, parked } = openRun()
    const source = gateway({
      async request(_, attempt) {
        if (attempt === 1) return
        await clock.sleep(50_000)
        throw noEnd()
      },
    })
    const outcome = await go([job(source, { demand: { kind: 'sync', sinceMs: day, deadline: clock.now() + minute } })])
    expect(parked()).toEqual([])
    expect(outcome.gateways[0]).toMatchObject({ failure: undefined, parked: 0 })
    expect(outcome.gateways[0]!.leftMs).toBeGreaterThan(0)
  })

  it('is asked again for what was parked before the time that sync looks back to, after a rest that grows', async () => {
    const { clock, gateway, job, go, ledger, parts, parked } = openRun()
    const old = { after: today - 10 * day, until: today - 10 * day + minute }
    ledger.parked.park(parts.sink.id, { gateway: 'plant-a', selectors: [lux], range: old }, noEnd(), 3)
    const sync = { kind: 'sync', sinceMs: day } as const
    const source = gateway({
      request(range) {
        if (range.after < old.until) throw noEnd()
      },
    })
    expect((await go([job(source, { demand: sync })])).gateways[0]!.parked).toBe(1)
    expect(source.asked.some(({ after }) => after === old.after)).toBe(false)
    await clock.sleep(hour + 1)
    await go([job(source, { demand: sync })])
    expect(source.asked.filter(({ after }) => after === old.after)).toHaveLength(3)
    await clock.sleep(hour + 1)
    await go([job(source, { demand: sync })])
    // it has failed twice as often: it rests twice as long
    expect(source.asked.filter(({ after }) => after === old.after)).toHaveLength(3)
    await clock.sleep(hour + 1)
    await go([job(gateway(), { demand: sync })])
    expect(parked()).toEqual([])
  })
})

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
}
