import { expect, test } from 'vitest'
import type { Point } from '../../../src/domain/point.ts'
import type { RunSource } from '../../../src/pipeline/job.ts'
import { createThrottle } from '../../../src/pipeline/throttle.ts'
import { compileMapping } from '../../../src/points/mapping.ts'
import { rereadRange } from '../../../src/verification/reread.ts'
import { logFrame } from '../../support/log-frames.ts'
import { usualLimits } from '../../support/pipeline.ts'
import { makePoint } from '../../support/points.ts'
import { scriptedGateway } from '../../support/scripted-gateway.ts'
import { scriptedSink } from '../../support/scripted-sink.ts'
import { steeredClock } from '../../support/steered-clock.ts'

const never = new AbortController().signal
const range = { after: 0, until: 1_000 }
const selector = { device: { name: 'Sensor 1' } }

/** The database lacks one of three entries, and holds another value of the second. */
async function repaired(overwrites: boolean) {
  const clock = steeredClock()
  clock.runFreely()
  const sink = scriptedSink()
  const source: RunSource = {
    ...scriptedGateway({ now: clock.now }),
    async *readDataLog() {
      yield [1, 2, 3].map(ms => logFrame(ms))
    },
  }
  const written: Point[] = []
  let wanted: readonly Point[] = []
  const job = {
    ...{ source, sink, clock, series: [], isExact: true, overwrites },
    settling: { clock, stillMs: 30_000, observe: () => {} },
    knownMissing: 0,
    mapping: compileMapping('plant-a', []),
    throttle: createThrottle({ limits: usualLimits, clock, gates: [], sink }),
    requests: { entries: 1_000, shortest: 1_000, longest: 1_000 },
    isDeadLetter: async () => new Set<never>(),
    async repair(points: readonly Point[]) {
      wanted = points
      written.push(...points)
      return (await sink.write(points, never)).written
    },
  }
  // the first reading brings all that the gateway has; then the database is damaged
  for await (const _ of rereadRange(selector, range, job, never));
  const [, second, third] = [...written].sort((a, b) => a.at.ms - b.at.ms)
  await sink.write([makePoint(second!.series, 2, { value: 999 })], never)
  sink.lose(third!)
  const windows = []
  for await (const window of rereadRange(selector, range, job, never)) windows.push(window)
  return { windows, wanted: wanted.map(({ at }) => at.ms) }
}

test('a value is corrected where the database can replace it', async () => {
  const { windows, wanted } = await repaired(true)
  expect(wanted).toEqual([3, 2])
  expect(windows).toMatchObject([{ repaired: { written: 2, comparison: { equal: 3, missing: 0, different: 0 } } }])
})

test('where the database cannot replace a value, only what is missing is written, and the rest stays different', async () => {
  const { windows, wanted } = await repaired(false)
  expect(wanted).toEqual([3])
  expect(windows).toMatchObject([{ repaired: { written: 1, comparison: { equal: 2, missing: 0, different: 1 } } }])
})
