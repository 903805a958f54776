import { describe, expect, it } from 'vitest'
import type { Frame } from '../../../src/domain/entry.ts'
import type { RunSource } from '../../../src/pipeline/job.ts'
import { createThrottle } from '../../../src/pipeline/throttle.ts'
import { compileMapping } from '../../../src/points/mapping.ts'
import type { Sink } from '../../../src/sinks/sink.ts'
import { type CheckParts, checkRange } from '../../../src/verification/check-range.ts'
import type { CountedRow } from '../../../src/verification/counts.ts'
import { rereadRange } from '../../../src/verification/reread.ts'
import { logFrame } from '../../support/log-frames.ts'
import { usualLimits } from '../../support/pipeline.ts'
import { makePoint, makeSeries } from '../../support/points.ts'
import { scriptedGateway } from '../../support/scripted-gateway.ts'
import { scriptedSink } from '../../support/scripted-sink.ts'
import { steeredClock } from '../../support/steered-clock.ts'

const never = new AbortController().signal
const series = makeSeries()
const selector = { device: { name: 'Sensor 1' } }
const range = { after: 0, until: 1_000 }

/** 90 of 100 proven points are in the database; the gateway answers with these frames and then with "end". */
async function check(
  frames: readonly Frame[],
  accept: boolean,
  counts = (held: number, _nth: number) => held,
  hiddenReads = 0,
) {
  const clock = steeredClock()
  clock.runFreely()
  const sink = scriptedSink()
  await sink.write(
    Array.from({ length: 90 }, (_, i) => makePoint(series, i + 1, { value: 1 })),
    never,
  )
  const settling = { clock, stillMs: 30_000, observe: () => {} }
  const source: RunSource = {
    ...scriptedGateway({ now: clock.now }),
    async *readDataLog() {
      yield frames
    },
  }
  const restated: unknown[] = []
  const ledger: CheckParts['ledger'] = { proofs: { restate: (...args) => void restated.push(args) } }
  let reads = 0
  const reading: Pick<Sink, 'read'> = {
    async *read(...args) {
      if (++reads > hiddenReads) yield* sink.read(...args)
    },
  }
  const job = {
    source,
    sink: reading,
    series: [series],
    clock,
    settling,
    knownMissing: 0,
    mapping: compileMapping('plant-a', []),
    throttle: createThrottle({ limits: usualLimits, clock, gates: [], sink }),
    requests: { entries: 1_000, shortest: 1_000, longest: 1_000 },
    isExact: true,
    overwrites: true,
    repair: undefined,
    isDeadLetter: async () => new Set<never>(),
  }
  let nth = 0
  const counting: CheckParts['sink'] = {
    id: sink.id,
    async counts(...args) {
      nth++
      return new Map([...(await sink.counts(...args))].map(([one, n]) => [one, counts(n, nth)]))
    },
  }
  const row: CountedRow = {
    gateway: 'plant-a',
    selector,
    series: [series],
    range,
    proof: 100,
    found: counts(90, 0),
    verdict: 'differs',
  }
  const examined = await checkRange(
    { row, part: range, pieces: [range], by: 'entries', isPartAlone: false },
    {
      sink: counting,
      settling,
      ledger,
      reread: (_, part) => rereadRange(selector, part, job, never),
      reaches: () => true,
      accept,
    },
    never,
  )
  return { ...examined, restated }
}

const error = '{"error":"query failed"}'

describe('a proven range of which the database holds too few points', () => {
  it.each([
    ['nothing but an error', [error]],
    ['some entries, an error', [logFrame(1), logFrame(2), error]],
  ])('keeps its proof if the gateway answers with %s and "end"', async (_, frames) => {
    for (const accept of [false, true]) {
      const { after, accepted, restated } = await check(frames, accept)
      expect(after).toMatchObject({ proof: 100, found: 90, verdict: 'differs', unread: 1, lost: 0, unconfirmed: 0 })
      expect(accepted).toEqual({ ranges: 0, lost: 0 })
      expect(restated).toEqual([])
    }
  })

  it('loses its proof only if the gateway has answered in full and the loss is accepted', async () => {
    const frames = Array.from({ length: 90 }, (_, i) => logFrame(i + 1))
    expect(await check(frames, false)).toMatchObject({ after: { proof: 100, lost: 10 }, restated: [] })
    const { after, accepted } = await check(frames, true)
    expect(after).toMatchObject({ proof: 90, verdict: 'equal' })
    expect(accepted).toEqual({ ranges: 1, lost: 10 })
  })

  it('keeps its proof, and has lost nothing, if the database counts fewer points than it gives one by one', async () => {
    const frames = Array.from({ length: 90 }, (_, i) => logFrame(i + 1))
    const { after, accepted, restated } = await check(frames, true, () => 50)
    expect(after).toMatchObject({ verdict: 'inconsistent', proof: 100, found: 50, equal: 90, lost: 0 })
    expect(accepted).toEqual({ ranges: 0, lost: 0 })
    expect(restated).toEqual([])
  })

  it('keeps its proof if the count still grows, although the loss is accepted', async () => {
    const frames = Array.from({ length: 90 }, (_, i) => logFrame(i + 1))
    const { after, accepted } = await check(frames, true, (_, nth) => Math.min(100, 90 + nth))
    expect(after).toMatchObject({ proof: 100, found: 100, verdict: 'equal' })
    expect(accepted).toEqual({ ranges: 0, lost: 0 })
  })

  it('misses no point that the database shows later', async () => {
    const frames = Array.from({ length: 90 }, (_, i) => logFrame(i + 1))
    const { after } = await check(frames, false, held => held, 3)
    expect(after).toMatchObject({ equal: 90, missing: 0 })
  })
})
