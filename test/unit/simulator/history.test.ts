import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createHistory, type Entry, type History, type HistorySettings } from '../../../src/simulator/history.ts'
import { noOddities } from '../../../src/simulator/oddities.ts'
import { buildSite } from '../../../src/simulator/site.ts'
import { runs } from '../../support/runs.ts'

const start = Date.parse('2024-03-01T00:00:00Z')
const hour = 3_600_000

function open(options: Partial<HistorySettings> = {}, devices = 6): History {
  const settings = { seed: 7, intervalMs: 60_000, start, fractionDigits: 3, oddities: noOddities, ...options }
  return createHistory(buildSite(devices, settings), settings)
}

const show = (entry: Entry) => `${entry.datapoint.qualifier} ${entry.utcText} ${entry.nanos} ${entry.valueText}`
const all = (history: History, after: number, until: number) => [...history.merged(() => true, after, until)].map(show)
const moments = fc.integer({ min: 0, max: 12 * hour }).map(offset => start + offset)

test('the same seed gives the same history, another seed another one', () => {
  const once = all(open(), start, start + 6 * hour)
  expect(once.length).toBeGreaterThan(1000)
  expect(all(open(), start, start + 6 * hour)).toEqual(once)
  expect(all(open({ seed: 8 }), start, start + 6 * hour)).not.toEqual(once)
})

test.each([0, 1, 3, 6, 9])('ranges tile: the parts together are the whole, with %i fraction digits', fractionDigits => {
  const history = open({ fractionDigits, intervalMs: 20_000 }, 5)
  fc.assert(
    fc.property(fc.uniqueArray(moments, { minLength: 2, maxLength: 6 }), cuts => {
      const sorted = cuts.toSorted((a, b) => a - b)
      const parts = sorted.slice(1).flatMap((until, i) => all(history, sorted[i]!, until))
      expect(parts).toEqual(all(history, sorted[0]!, sorted.at(-1)!))
    }),
    { numRuns: runs(25) },
  )
})

test('cutting exactly at an entry puts it into the earlier range, and what is finer than the cut into the later', () => {
  const history = open({ fractionDigits: 9 })
  const fine = [...history.merged(() => true, start, start + 6 * hour)].find(entry => entry.nanos > 0)!
  const exact = [...history.merged(() => true, start + 1, start + 6 * hour)].find(entry => entry.nanos === 0)!
  const own = (entry: Entry, after: number, until: number) =>
    [...history.entries(entry.datapoint, after, until)].map(show).includes(show(entry))
  expect(own(exact, exact.ms - 1, exact.ms)).toBe(true)
  expect(own(exact, exact.ms, exact.ms + 1)).toBe(false)
  expect(own(fine, fine.ms - 1, fine.ms)).toBe(false)
  expect(own(fine, fine.ms, fine.ms + 1)).toBe(true)
})

test('each datapoint is in strict order of time and the merge keeps every entry in order', () => {
  const history = open({ intervalMs: 5000 })
  const perDatapoint = history.datapoints.flatMap(datapoint => {
    const own = [...history.entries(datapoint, start, start + 12 * hour)]
    for (let i = 1; i < own.length; i++) {
      expect(own[i]!.ms * 1e3 + own[i]!.nanos / 1e3).toBeGreaterThan(own[i - 1]!.ms * 1e3 + own[i - 1]!.nanos / 1e3)
    }
    return own.map(show)
  })
  const merged = [...history.merged(() => true, start, start + 12 * hour)]
  for (let i = 1; i < merged.length; i++) expect(merged[i]!.ms).toBeGreaterThanOrEqual(merged[i - 1]!.ms)
  expect(merged.map(show).sort()).toEqual(perDatapoint.sort())
})

test('counters never fall', () => {
  const history = open({ intervalMs: 600_000 })
  const counters = history.datapoints.filter(({ xif }) => xif === 'nvoEnergy' || xif === 'nvoRunHours')
  expect(counters.length).toBeGreaterThan(1)
  for (const datapoint of counters) {
    const values = [...history.entries(datapoint, start, start + 240 * hour)].map(entry => Number(entry.value))
    expect(values.at(-1)).toBeGreaterThan(values[0]!)
    for (let i = 1; i < values.length; i++) expect(values[i]).toBeGreaterThanOrEqual(values[i - 1]!)
  }
})

test('numbers, words and structures are all there, and the text of a value says what the value is', () => {
  const kinds = new Set<string>()
  for (const entry of open().merged(() => true, start + 14 * hour, start + 24 * hour)) {
    kinds.add(typeof entry.value)
    expect(JSON.parse(entry.valueText)).toEqual(entry.value)
  }
  expect(kinds).toEqual(new Set(['number', 'string', 'object']))
})

test('nothing is stored before the start, and an entry years ahead is found without walking there', () => {
  const history = open()
  expect(all(history, start - 100 * hour, start - 1)).toEqual([])
  const far = start + 30 * 365 * 24 * hour
  expect(all(history, far, far + hour).length).toBeGreaterThan(100)
})

test('devices fall silent for hours on some days: gaps are normal', () => {
  const history = open({}, 1)
  const lux = history.datapoints[0]!
  let longest = 0
  let before = start
  for (const entry of history.entries(lux, start, start + 200 * 24 * hour)) {
    longest = Math.max(longest, entry.ms - before)
    before = entry.ms
  }
  expect(longest).toBeGreaterThan(1.5 * hour)
})
