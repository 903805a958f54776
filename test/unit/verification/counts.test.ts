import { expect, test } from 'vitest'
import { countClaims } from '../../../src/verification/counts.ts'
import { makePoints, makeSeries } from '../../support/points.ts'
import { scriptedSink } from '../../support/scripted-sink.ts'

const never = new AbortController().signal
const from = 1_600_000_000_000
const range = { after: from - 1, until: from + 9_000 }
const everything = { after: Number.NEGATIVE_INFINITY, until: Number.POSITIVE_INFINITY }

test('rows of one range are counted in one call, those of other gateways and overlapping selectors with them', async () => {
  const names = Array.from({ length: 200 }, (_, i) => `Sensor ${i}`)
  const sink = scriptedSink()
  for (const name of names) await sink.write(makePoints(makeSeries({ device: name }), 10, from), never)
  const calls: number[] = []
  const counting = {
    counts: (series: Parameters<typeof sink.counts>[0], ...rest: [typeof range, AbortSignal]) => {
      calls.push(series.length)
      return sink.counts(series, ...rest)
    },
  }
  const claim = (device: string) => ({
    selector: { device: { name: device } },
    proofs: [{ range, points: 10 }],
    series: [makeSeries({ device })],
  })
  const wide = {
    selector: {},
    proofs: [{ range, points: 1_000 }],
    series: names.slice(0, 100).map(device => makeSeries({ device })),
  }
  const proofs = [
    { gateway: 'plant-a', claims: [...names.slice(0, 100).map(claim), wide] },
    { gateway: 'plant-b', claims: names.slice(100).map(claim) },
  ]
  const rows = await countClaims(
    proofs,
    { sink: counting, oldest: Number.NEGATIVE_INFINITY, within: everything },
    never,
  )
  expect(calls).toEqual([200])
  expect(rows).toHaveLength(201)
  expect(rows.every(({ verdict }) => verdict === 'equal')).toBe(true)
})
