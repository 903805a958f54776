import { expect, it } from 'vitest'
import { DeadLetterBox } from '../../../src/dead-letters/dead-letters.ts'
import { pointsInLetters } from '../../../src/dead-letters/dead-points.ts'
import { createLetterReader } from '../../../src/dead-letters/letter-content.ts'
import type { DataLogRequest } from '../../../src/domain/request.ts'
import { compileMapping } from '../../../src/points/mapping.ts'
import { createRepair } from '../../../src/verification/repair.ts'
import { makePoint, makeSeries } from '../../support/points.ts'
import { scriptedSink } from '../../support/scripted-sink.ts'
import { steeredClock } from '../../support/steered-clock.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const series = makeSeries()
const request: DataLogRequest = { gateway: 'plant-a', selectors: [{}], range: { after: 0, until: 10 } }
const mapping = compileMapping('plant-a', [])
const read = createLetterReader('plant-a', [{}], { mapping, clock: steeredClock() })

/** Writes again what is missing, into a database that refuses it: wholly at 1 ms, in part at 2 ms. */
async function mendInto(path: string) {
  const points = [1, 2, 3].map(ms => makePoint(series, ms, { value: 1, text: 'ON' }))
  const sink = scriptedSink(async batch =>
    batch
      .filter(({ at }) => at.ms < 3)
      .map(point => ({ point, code: 'strings-not-held', reason: 'no texts', partly: point.at.ms === 2 })),
  )
  const deadLetters = new DeadLetterBox({ path, maxSize: 1_000_000 }, steeredClock())
  const written = await createRepair({ sink, mapping, deadLetters })(points, request, new AbortController().signal)
  return { points, written }
}

it('a dead letter excuses the point that was never in the database, and none that was there in part', async () => {
  const folder = temporaryFolder()
  const { points, written } = await mendInto(folder)
  expect(written).toBe(1)
  const excused = await pointsInLetters(points, { folder, gateway: 'plant-a', read })
  expect([...excused]).toEqual([points[0]])
})
