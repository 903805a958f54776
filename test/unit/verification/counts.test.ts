import { expect, test } from 'vitest'
import type { Series } from '../../../src/domain/point.ts'
import { countClaims } from '../../../src/verification/counts.ts'
import { makePoints, makeSeries } from '../../support/points.ts'
import { scriptedSink } from '../../support/scripted-sink.ts'
import { steeredClock } from '../../support/steered-clock.ts'

const never = new AbortController().signal
const from = 1_600_000_000_000
const range = { after: from - 1, until: from + 9_000 }
const oldest = Number.NEGATIVE_INFINITY
const within = { after: oldest, until: Number.POSITIVE_INFINITY }

test('rows of one range are counted in one call, those of other gateways and overlapping selectors with them', async () => {
  const names = Array.from({ length: 200 }, (_, i) => `Sensor ${i}`)
  const sink = scriptedSink()
  for (const name of names) await sink.write(makePoints(makeSeries({ device: name }), 10, from), never)
  const calls: number[] = []
  const settling = { clock: steeredClock(), stillMs: 30_000, observe: () => {} }
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
  const rows = await countClaims(proofs, { sink: counting, oldest, within, settling }, never)
  expect(calls).toEqual([200])
  expect(rows).toHaveLength(201)
  expect(rows.every(({ verdict }) => verdict === 'equal')).toBe(true)
})

/** A row of ten points of which the database counts so many, in turn; its last answer again and again. */
async function countAgain(...answers: number[]) {
  const clock = steeredClock()
  clock.runFreely()
  const settling = { clock, stillMs: 30_000, observe: () => {} }
  const sink = {
    counts: async ([one]: readonly Series[]) => new Map([[one!, answers.length > 1 ? answers.shift()! : answers[0]!]]),
  }
  const claims = [{ selector: {}, proofs: [{ range, points: 10 }], series: [makeSeries()] }]
  const [row] = await countClaims([{ gateway: 'g', claims }], { sink, oldest, within, settling }, never)
  return { row, slept: clock.slept, tookMs: clock.elapsed() }
}

test('a count that is not too small is believed at once', async () => {
  for (const points of [10, 11]) expect(await countAgain(points)).toMatchObject({ row: { found: points }, slept: [] })
})

test('a count that is too small is asked for again until it is right', async () => {
  const { row, slept } = await countAgain(3, 3, 3, 5, 8, 10)
  expect(row).toMatchObject({ found: 10, verdict: 'equal' })
  expect(slept).toEqual([1_000, 2_000, 4_000, 1_000, 1_000])
})

test('a count that stays too small is believed after it has stood still for 30 s', async () => {
  const { row, slept } = await countAgain(3, 5)
  expect(row).toMatchObject({ found: 5, verdict: 'differs', since: 1_000 })
  expect(slept).toEqual([1_000, 1_000, 2_000, 4_000, 8_000, 15_000])
})

test('a count that never comes to rest is no answer', async () => {
  const counts = Array.from({ length: 10_000 }, (_, i) => i % 2)
  await expect(countAgain(...counts)).rejects.toMatchObject({ code: 'sink-busy' })
})
