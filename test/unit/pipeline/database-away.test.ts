import { describe, expect, it } from 'vitest'
import { Failure } from '../../../src/domain/failure.ts'
import type { Demand } from '../../../src/planning/demand.ts'
import type { ReadyWaiting, Sink } from '../../../src/sinks/sink.ts'
import { hour, openPipelineInto, today } from '../../support/pipeline.ts'
import { scriptedGateway } from '../../support/scripted-gateway.ts'
import { scriptedSink } from '../../support/scripted-sink.ts'
import { type SteeredClock, steeredClock } from '../../support/steered-clock.ts'

/** A sink that is away from its second batch on, for so long. */
function sinkAway(clock: SteeredClock, awayMs: number): Sink {
  const inner = scriptedSink()
  let until: number | undefined
  const isAway = () => until !== undefined && clock.now() < until
  return {
    ...inner,
    async write(points, signal, waiting) {
      if (inner.batches.length === 1) until ??= clock.now() + awayMs
      if (!isAway()) return await inner.write(points, signal)
      waiting?.tell?.({ since: until! - awayMs, reason: 'ECONNREFUSED' })
      await clock.sleep(waiting?.patienceMs ?? Number.POSITIVE_INFINITY, signal)
      throw new Failure('away', { code: 'database-away', retry: 'soon', reach: 'sink' })
    },
    async ready(signal, { deadline = Number.POSITIVE_INFINITY, tell }: ReadyWaiting = {}) {
      if (!isAway()) return
      tell?.({ since: until! - awayMs, reason: 'ECONNREFUSED' })
      await clock.sleep(Math.min(until!, deadline) - clock.now(), signal)
      tell?.(undefined)
    },
  }
}

function openRun(awayMs: number, deadline?: number) {
  const clock = steeredClock(today)
  const { job, go, events } = openPipelineInto(sinkAway(clock, awayMs), { clock })
  const source = scriptedGateway({ now: clock.now })
  const demand: Demand =
    deadline === undefined
      ? { kind: 'once', after: today - 24 * hour, until: today }
      : { kind: 'sync', sinceMs: 24 * hour, deadline }
  return {
    clock,
    source,
    go: () => go([job(source, { selectors: [{}], demand })]),
    waits: () => events.flatMap(event => (event.kind === 'waiting' ? [event.reason] : [])),
  }
}

describe('a database that is away in the middle of a run', () => {
  it('is waited for without a limit, and then the range it was about is asked for once more', async () => {
    const { source, go, waits } = openRun(5 * 24 * hour)
    const outcome = await go()
    expect(outcome.gateways[0]).toMatchObject({ failure: undefined, parked: 0, leftMs: 0, requests: 12 })
    expect(source.asked).toHaveLength(13)
    expect(source.asked[2]).toEqual(source.asked[1])
    expect(waits()[0]).toMatchObject({ kind: 'database', until: undefined })
    expect(waits().at(-1)).toBeUndefined()
  })

  it('is waited for up to the deadline; what is left is for the next run', async () => {
    const { clock, source, go } = openRun(5 * 24 * hour, today + 300_000)
    const outcome = await go()
    expect(clock.now()).toBe(today + 300_000)
    expect(outcome.gateways[0]).toMatchObject({ failure: undefined, parked: 0, requests: 1, leftMs: 22 * hour })
    expect(source.asked).toHaveLength(2)
  })
})
