import { expect, onTestFinished, test } from 'vitest'
import { selectorLabel } from '../../../src/domain/datapoint.ts'
import { emptyReceipt } from '../../../src/domain/receipt.ts'
import { openLedger } from '../../../src/ledger/ledger.ts'
import { checkOneRange } from '../../../src/verification/daily-check.ts'
import { makePoints, makeSeries } from '../../support/points.ts'
import { scriptedSink } from '../../support/scripted-sink.ts'
import { steeredClock } from '../../support/steered-clock.ts'

const never = new AbortController().signal
const day = 86_400_000
const from = 1_700_000_000_000
const names = ['Sensor 1', 'Sensor 2']
const selectors = names.map(name => ({ device: { name } }))

/** A ledger with two complete days a month apart of two devices, and a database that was given ten points for each. */
async function openSite(keeps: (began: number) => boolean = () => true) {
  const clock = steeredClock(from + 400 * day)
  clock.runFreely()
  const ledger = openLedger(':memory:', clock)
  onTestFinished(() => ledger.close())
  const sink = scriptedSink()
  const queries: number[] = []
  const complete = async (device: number, began: number, points = 10) => {
    const [selector, series] = [selectors[device]!, makeSeries({ device: names[device]! })]
    const given = makePoints(series, points, began + 1)
    if (points > 0 && keeps(began)) await sink.write(given, never)
    ledger.complete({
      sink: sink.id,
      request: { gateway: 'g', selectors: [selector], range: { after: began, until: began + day } },
      provisional: false,
      receipt: emptyReceipt(),
      points: [points],
      series: [points > 0 ? [series] : []],
    })
  }
  for (const began of [from, from + 100 * day]) for (const device of [0, 1]) await complete(device, began)
  const counting = {
    ...sink,
    counts: (...args: Parameters<typeof sink.counts>) => {
      queries.push(args[1].after)
      return sink.counts(...args)
    },
  }
  const check = (other: object = {}) => {
    const settling = { clock, stillMs: 30_000, observe: () => {} }
    const parts = { sink: counting, ledger, clock, oldest: Number.NEGATIVE_INFINITY, settling, ...other }
    return checkOneRange({ name: 'g', selectors }, parts, never)
  }
  return { clock, ledger, sink, queries, complete, check }
}

test('a range that the database holds is counted by one query, and the result is remembered', async () => {
  const { check, queries, ledger, clock } = await openSite()
  const result = await check()
  expect(result).toMatchObject({ at: clock.now(), proof: 10, found: 10, verdict: 'held' })
  expect(queries).toEqual([from + 100 * day])
  expect(ledger.memory.rangeCheckOf({ sink: 'scripted', gateway: 'g' })).toEqual(result)
  expect(ledger.memory.rangeCheckOf({ sink: 'other', gateway: 'g' })).toBeUndefined()
})

test('ranges take turns: each is counted in the end, and the newest again and again', async () => {
  const { check } = await openSite()
  const counted = []
  for (let i = 0; i < 8; i++) {
    const { selector, range } = (await check())!
    counted.push(`${selectorLabel(selector)} ${(range.after - from) / day}`)
  }
  expect(new Set(counted)).toEqual(
    new Set(selectors.flatMap(it => [`${selectorLabel(it)} 0`, `${selectorLabel(it)} 100`])),
  )
  expect(counted.filter((_, i) => i % 2 === 0).every(it => it.endsWith(' 100'))).toBe(true)
})

test('a database that acknowledges and keeps nothing is found by the first range; no proof is lowered', async () => {
  const { check, ledger } = await openSite(() => false)
  const before = ledger.proofs.claims({ sink: 'scripted', gateway: 'g' }, selectors)
  expect(await check()).toMatchObject({ proof: 10, found: 0, verdict: 'missing' })
  expect(ledger.proofs.claims({ sink: 'scripted', gateway: 'g' }, selectors)).toEqual(before)
})

test('a range that was not found whole is counted again, until it is', async () => {
  const { check, sink, clock } = await openSite(began => began === from)
  const first = await check()
  expect(first).toMatchObject({ found: 0, verdict: 'missing' })
  expect(await check()).toMatchObject({ range: first!.range, selector: first!.selector, turn: first!.turn })
  await sink.write(makePoints(makeSeries({ device: 'Sensor 1' }), 10, from + 100 * day + 1), never)
  expect(await check()).toMatchObject({ range: first!.range, verdict: 'held', turn: first!.turn })
  expect((await check())!.turn).toBe(first!.turn + 1)
  // a short count is believed after it has stood still
  expect(clock.slept.reduce((sum, ms) => sum + ms, 0)).toBeGreaterThanOrEqual(60_000)
})

test('a database that counts fewer points than it gives one by one contradicts itself: nothing is called missing', async () => {
  const { check, sink } = await openSite()
  const counts: typeof sink.counts = async series => new Map(series.map(one => [one, 7]))
  expect(await check({ sink: { ...sink, counts } })).toMatchObject({ found: 7, verdict: 'inconsistent' })
})

test('what the database would not keep, what holds no points and what was taken back meanwhile is not judged', async () => {
  const { check, complete, ledger, sink } = await openSite()
  await complete(0, from + 200 * day, 0)
  expect(await check({ oldest: from + 150 * day })).toBeUndefined()
  const counts: typeof sink.counts = async () => {
    await complete(0, from + 100 * day, 3)
    return new Map()
  }
  expect(await check({ sink: { ...sink, counts } })).toBeUndefined()
  expect(ledger.memory.rangeCheckOf({ sink: 'scripted', gateway: 'g' })).toBeUndefined()
})
