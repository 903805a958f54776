import { describe, expect, it } from 'vitest'
import { Failure, type Reach } from '../../../src/domain/failure.ts'
import { emptyReceipt } from '../../../src/domain/receipt.ts'
import type { RunOutcome } from '../../../src/pipeline/run.ts'
import type { Demand } from '../../../src/planning/demand.ts'
import { syncForever, syncOnce } from '../../../src/service/sync.ts'
import { recordedLog } from '../../support/recorded-log.ts'
import { steeredClock } from '../../support/steered-clock.ts'

const minute = 60_000
const options = { every: 5 * minute, since: 400 * 24 * 60 * minute }
const nothing: RunOutcome = { gateways: [], requests: 0, receipt: emptyReceipt(), tookMs: 0 }

function trouble(reach: Reach): Failure {
  return new Failure('no', { code: 'x', retry: 'never', reach })
}

/** Passes of which the test says what becomes of them; counts from 1. */
function openSync(pass: (count: number, demand: Demand) => void = () => {}) {
  const clock = steeredClock()
  clock.runFreely()
  const { log, lines } = recordedLog()
  const began = clock.now()
  const stop = new AbortController()
  const starts: number[] = []
  const demands: Demand[] = []
  const run = async (demand: Demand, _only: string | undefined, _observe: unknown, signal: AbortSignal) => {
    signal.throwIfAborted()
    starts.push(clock.now() - began)
    demands.push(demand)
    pass(starts.length, demand)
    if (starts.length === 4) stop.abort(new Error('stopped'))
    return nothing
  }
  const lettersOf = () => ({ open: 0, discarded: [] })
  const parts = { run, lettersOf, clock, log, logged: new Set<string>() }
  return {
    clock,
    starts,
    demands,
    lines,
    stop,
    parts,
    forever: () => syncForever(['plant-a'], options, parts, stop.signal),
  }
}

describe('the sync', () => {
  it('wants everything from the configured past on', async () => {
    const { demands, parts, stop } = openSync()
    await syncOnce(options, parts, {}, stop.signal)
    expect(demands[0]).toEqual({ kind: 'sync', sinceMs: options.since, deadline: undefined })
  })

  it('passes on its beat until it is stopped, which is no failure', async () => {
    const { forever, starts } = openSync()
    await forever()
    expect(starts).toEqual([0, 5 * minute, 10 * minute, 15 * minute])
  })

  it('is not at an end when a database refuses a pass: the next one tries again', async () => {
    const { forever, starts, lines } = openSync(count => {
      if (count === 2) throw trouble('sink')
    })
    await forever()
    expect(starts).toHaveLength(4)
    expect(lines.filter(({ level }) => level === 50)).toHaveLength(1)
  })

  it.each<[string, unknown]>([
    ['the ledger fails', trouble('run')],
    ['a bug shows', new TypeError('x is not a function')],
  ])('is at an end when %s: going on would prove nothing', async (_, error) => {
    const { forever, starts } = openSync(count => {
      if (count === 2) throw error
    })
    await expect(forever()).rejects.toMatchObject({ reach: 'run' })
    expect(starts).toHaveLength(2)
  })

  it('with a backlog works nearly all the time: a pass ends before the next one is due', async () => {
    const { forever, starts, clock } = openSync((_, demand) => {
      const deadline = demand.kind === 'sync' ? demand.deadline : undefined
      // as a run does: the last request begins just before the deadline, and takes a usual time
      clock.advance(deadline! - clock.now() + 15_000)
    })
    await forever()
    expect(starts).toEqual([0, 5 * minute, 10 * minute, 15 * minute])
  })
})
