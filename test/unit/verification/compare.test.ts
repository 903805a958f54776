import { expect, test } from 'vitest'
import type { FieldValue, Point } from '../../../src/domain/point.ts'
import { compareWindow } from '../../../src/verification/compare.ts'
import { timeKey } from '../../../src/verification/gateway-window.ts'
import { makePoint, makeSeries } from '../../support/points.ts'
import { scriptedSink } from '../../support/scripted-sink.ts'

const never = new AbortController().signal
const series = makeSeries()
const range = { after: 0, until: 100 }
const at = (ms: number, value: FieldValue = 1) => makePoint(series, ms, { value })

/** The points of the gateway against those of the database; `dead`: times of points that are dead letters. */
async function compare(gateway: readonly Point[], database: readonly Point[], { dead = [0], isExact = true } = {}) {
  const sink = scriptedSink()
  await sink.write(database, never)
  const window = { series: new Map([[series, new Map(gateway.map(it => [timeKey(it, isExact), it]))]]), unwritable: 0 }
  const isDeadLetter = async (points: readonly Point[]) => new Set(points.filter(it => dead.includes(it.at.ms)))
  return await compareWindow(window, range, { sink, isExact, isDeadLetter }, never)
}

test('each entry is equal, missing, different, only in the database or a dead letter', async () => {
  const result = await compare([at(1), at(2), at(3), at(4)], [at(1), at(3, 7), at(5)], { dead: [4] })
  expect(result).toMatchObject({ equal: 1, missing: 1, different: 1, extra: 1, unwritable: 1 })
  expect([result.lacking, result.altered].map(list => list.map(it => it.at.ms))).toEqual([[2], [3]])
  expect(result.examples.map(({ of }) => of).sort()).toEqual(['different', 'extra', 'missing'])
})

test('no more examples are kept than a person reads', async () => {
  const many = Array.from({ length: 50 }, (_, i) => at(i + 1))
  expect(await compare(many, [])).toMatchObject({ missing: 50, examples: { length: 5 } })
})

test('a database that keeps less is compared by the digits and fields that it keeps', async () => {
  const third = makePoint(series, 1, { value: 1 / 3, text: 'ON' })
  const kept = makePoint(series, 1, { value: 0.3333333333333 })
  expect(await compare([third], [kept], { isExact: false })).toMatchObject({ equal: 1, different: 0 })
  expect(await compare([third], [kept])).toMatchObject({ equal: 0, different: 1 })
})

test('a point that lacks a field is distinguished from one with another value', async () => {
  const both = makePoint(series, 1, { value: 1, state: 2 })
  const { different, lacking, altered } = await compare([both], [at(1)])
  expect({ different, lacking, altered }).toEqual({ different: 1, lacking: [both], altered: [] })
})
