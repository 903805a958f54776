import { expect, test } from 'vitest'
import { RangeSet } from '../../../src/domain/range.ts'
import { suspectPieces } from '../../../src/verification/counts.ts'
import { makePoints, makeSeries } from '../../support/points.ts'
import { scriptedSink } from '../../support/scripted-sink.ts'

const never = new AbortController().signal
const series = makeSeries()
const from = 1_600_000_000_000
const range = { after: from - 1, until: from + 99_999 }

async function pieces(proof: number | undefined, found: number | undefined) {
  const sink = scriptedSink()
  // one point a second, and none between 40 and 60 s
  await sink.write(
    makePoints(series, 100, from).filter((_, i) => i < 40 || i >= 60),
    never,
  )
  const row = { gateway: 'g', selector: {}, series: [series], range, proof, found, verdict: 'differs' as const }
  return await suspectPieces(row, range, 20, sink, never)
}

test('the piece in which points are missing comes first, and the pieces tile the range', async () => {
  const cut = await pieces(100, 80)
  expect(cut).toHaveLength(5)
  expect(cut[0]).toEqual({ after: from + 39_999, until: from + 59_999 })
  expect(RangeSet.from(cut).ranges).toEqual([range])
})

test('a range that is not short of points is not cut', async () => {
  for (const [proof, found] of [
    [80, 80],
    [70, 80],
    [undefined, 80],
    [100, undefined],
  ])
    expect(await pieces(proof, found)).toEqual([range])
})
