import { describe, expect, it, onTestFinished } from 'vitest'
import { Failure } from '../../../src/domain/failure.ts'
import { DeadLetterBox } from '../../../src/ledger/dead-letters.ts'
import { Ledger } from '../../../src/ledger/ledger.ts'
import type { GatewayJob, RunEvent } from '../../../src/pipeline/job.ts'
import { run } from '../../../src/pipeline/run.ts'
import { compileMapping } from '../../../src/points/mapping.ts'
import type { ReadyWaiting, Sink } from '../../../src/sinks/sink.ts'
import { scriptedGateway } from '../../support/scripted-gateway.ts'
import { scriptedSink } from '../../support/scripted-sink.ts'
import { type SteeredClock, steeredClock } from '../../support/steered-clock.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const hour = 3_600_000
const today = Date.UTC(2026, 0, 31)

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
  clock.runFreely()
  const ledger = Ledger.open(':memory:', clock)
  onTestFinished(() => ledger.close())
  const sink = sinkAway(clock, awayMs)
  const source = scriptedGateway({ now: clock.now })
  const job: GatewayJob = {
    source,
    mapping: compileMapping(source.name, []),
    selectors: [{}],
    limits: { sockets: 1, pause: 100, requestsPerMinute: Number.POSITIVE_INFINITY, patience: hour },
    requests: { entries: 50_000, shortest: 60_000, longest: 2 * hour, per: 'datapoint', order: 'oldest' },
    maturity: { settle: 0, lateness: 0 },
    wish: {
      wanted: () => ({ after: today - 24 * hour, until: today }),
      secondLookMs: 0,
      newestFirst: false,
      parkedRestMs: 0,
      deadline,
    },
  }
  const doings: (string | undefined)[] = []
  const observe = (event: RunEvent) => void (event.kind === 'waiting' && doings.push(event.hindrance?.doing))
  const deadLetters = new DeadLetterBox({ path: temporaryFolder(), maxSize: 1e9 }, clock)
  const go = () => run([job], { sink, ledger, deadLetters, clock, observe }, new AbortController().signal)
  return { clock, source, go, doings }
}

describe('a database that is away in the middle of a run', () => {
  it('is waited for without a limit, and then the range it was about is asked for once more', async () => {
    const { source, go, doings } = openRun(5 * 24 * hour)
    const outcome = await go()
    expect(outcome.gateways[0]).toMatchObject({ failure: undefined, parked: 0, leftMs: 0, requests: 12 })
    expect(source.asked).toHaveLength(13)
    expect(source.asked[2]).toEqual(source.asked[1])
    expect(doings[0]).toBe('waiting for the database since 2026-01-31T00:00:00.100Z: ECONNREFUSED')
    expect(doings.at(-1)).toBeUndefined()
  })

  it('is waited for up to the deadline; what is left is for the next run', async () => {
    const { clock, source, go } = openRun(5 * 24 * hour, today + 300_000)
    const outcome = await go()
    expect(clock.now()).toBe(today + 300_000)
    expect(outcome.gateways[0]).toMatchObject({ failure: undefined, parked: 0, requests: 1, leftMs: 22 * hour })
    expect(source.asked).toHaveLength(2)
  })
})
