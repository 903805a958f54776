import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { FieldValue, Point } from '../../../src/domain/point.ts'
import { Repeats } from '../../../src/entries/repeats.ts'
import { makePoint, makeSeries } from '../../support/points.ts'
import { runs } from '../../support/runs.ts'

const series = [makeSeries(), makeSeries({ datapoint: 'nvoTemp' })]

function hasFields(fields: object): boolean {
  return Object.keys(fields).length > 0
}

/** Few times and values, so that chance finds equal ones. */
const anyFields: fc.Arbitrary<Record<string, FieldValue>> = fc.oneof(
  fc.record({ value: fc.integer({ min: -2, max: 2 }) }),
  fc.record({ text: fc.constantFrom('', 'ON', 'OFF') }),
  fc.record({ value: fc.integer({ min: 0, max: 1 }), state: fc.boolean() }),
  fc.record({ constructor: fc.nat(1), toString: fc.constantFrom('x', 'y') }, { requiredKeys: [] }).filter(hasFields),
  fc.record({ a: fc.nat(1), b: fc.nat(1) }, { requiredKeys: [] }).filter(hasFields),
  fc.record({ mixed: fc.oneof(fc.boolean(), fc.nat(1), fc.constantFrom('0', '1')) }),
)
const anyPoint: fc.Arbitrary<Point> = fc
  .tuple(fc.constantFrom(...series), fc.nat(4), fc.constantFrom(0, 1), anyFields)
  .map(([of, ms, nanos, fields]) => makePoint(of, ms, fields, nanos))

/** What a database holds of each series and time: the last point written, or the last of each field. */
function databaseAfter(batches: readonly (readonly Point[])[], keeps: 'point' | 'fields') {
  const repeats = new Repeats()
  const database = new Map<string, Point['fields']>()
  const counts = { new: 0, same: 0, differs: 0 }
  const write = ({ series: of, at, fields }: Point) => {
    const key = `${series.indexOf(of)} ${at.ms} ${at.nanos}`
    database.set(key, keeps === 'fields' ? { ...database.get(key), ...fields } : fields)
  }
  for (const batch of batches) {
    const written = batch.filter(point => {
      const verdict = repeats.note(point)
      counts[verdict]++
      return verdict === 'new'
    })
    written.forEach(write)
    repeats.takeCorrections().forEach(write)
  }
  return { database: Object.fromEntries([...database].sort(([a], [b]) => (a < b ? -1 : 1))), counts }
}

describe('entries of one datapoint and time', () => {
  it('give the same points in whatever order and batches they come', () => {
    fc.assert(
      fc.property(
        fc.array(anyPoint, { maxLength: 25 }),
        fc.infiniteStream(fc.nat()),
        fc.integer({ min: 1, max: 10 }),
        fc.constantFrom('point', 'fields'),
        (points, keys, batchSize, keeps) => {
          const shuffled = points
            .map(point => ({ point, key: keys.next().value as number }))
            .sort((a, b) => a.key - b.key)
            .map(({ point }) => point)
          const batches: Point[][] = []
          for (let i = 0; i < shuffled.length; i += batchSize) batches.push(shuffled.slice(i, i + batchSize))
          const [ordered, other] = [databaseAfter([points], keeps), databaseAfter(batches, keeps)]
          expect(other.database).toEqual(ordered.database)
          expect(other.counts.new).toBe(ordered.counts.new)
          expect(other.counts.new).toBe(Object.keys(other.database).length)
          expect(other.counts.new + other.counts.same + other.counts.differs).toBe(points.length)
        },
      ),
      { numRuns: runs(1_000) },
    )
  })

  it('coming twice change nothing', () => {
    fc.assert(
      fc.property(fc.array(anyPoint, { maxLength: 20 }), points => {
        const once = databaseAfter([points], 'fields')
        const twice = databaseAfter([points, points], 'fields')
        expect(twice.database).toEqual(once.database)
        expect(twice.counts.new).toBe(once.counts.new)
      }),
    )
  })

  it.each<[string, Record<string, FieldValue>, Record<string, FieldValue>, Record<string, FieldValue>]>([
    ['the larger number', { value: -1 }, { value: 3 }, { value: 3 }],
    ['the later text', { text: 'OFF' }, { text: 'ON' }, { text: 'ON' }],
    ['of each member the larger', { a: 1, b: 9 }, { a: 2, b: 0 }, { a: 2, b: 9 }],
    ['number and text side by side', { text: 'ON' }, { value: 0 }, { text: 'ON', value: 0 }],
  ])('leave %s', (_, one, other, left) => {
    const [of] = series
    const [a, b] = [makePoint(of!, 5, one), makePoint(of!, 5, other)]
    for (const order of [
      [a, b],
      [b, a],
    ]) {
      const { database, counts } = databaseAfter([order], 'point')
      expect(Object.values(database)).toEqual([left])
      expect(counts).toEqual({ new: 1, same: 0, differs: 1 })
    }
  })

  it('correct at most one written point each, however many differ', () => {
    const repeats = new Repeats()
    for (const value of [1, 2, 3, 2, 4]) repeats.note(makePoint(series[0]!, 5, { value }))
    expect(repeats.takeCorrections()).toEqual([makePoint(series[0]!, 5, { value: 4 })])
    expect(repeats.takeCorrections()).toEqual([])
  })

  it('are distinguished by every digit of their time and by their series', () => {
    const repeats = new Repeats()
    const notes = [
      makePoint(series[0]!, 5, { value: 1 }, 0),
      makePoint(series[0]!, 5, { value: 1 }, 1),
      makePoint(series[1]!, 5, { value: 1 }, 1),
      makePoint(series[0]!, 4, { value: 1 }, 1),
      makePoint(series[0]!, 5, { value: 1 }, 0),
    ].map(point => repeats.note(point))
    expect(notes).toEqual(['new', 'new', 'new', 'new', 'same'])
  })

  it('are remembered as far back as the limit, and never make the memory grow beyond it', () => {
    const repeats = new Repeats(100)
    for (let ms = 0; ms < 10_000; ms++) expect(repeats.note(makePoint(series[0]!, ms, { value: 1 }))).toBe('new')
    // the newest are still known, in and out of order
    for (const ms of [9_999, 9_970, 9_998]) expect(repeats.note(makePoint(series[0]!, ms, { value: 1 }))).toBe('same')
    // one from long ago is written once more, which changes nothing
    expect(repeats.note(makePoint(series[0]!, 3, { value: 1 }))).toBe('new')
  })

  it.each([
    ['at different times', (i: number) => i],
    ['at the same time', () => 5],
  ])('never make the memory grow with long texts %s', (_, msOf) => {
    const repeats = new Repeats()
    const longText = (i: number) => `${String(i).padStart(6, '0')}${'x'.repeat(100_000)}`
    for (let i = 0; i < 2_000; i++) {
      repeats.note(makePoint(series[0]!, msOf(i), { text: longText(i) }))
      repeats.takeCorrections()
    }
    expect(repeats.isExact).toBe(false)
    expect(repeats.note(makePoint(series[0]!, msOf(1_999), { text: longText(1_999) }))).toBe('same')
  })

  it('are all remembered of as large a request as there may be, in whatever order they come', () => {
    const repeats = Repeats.forRequest(400_000)
    const from = 1_600_000_000_000
    const noteAll = (value: number) => {
      const verdicts = { new: 0, same: 0, differs: 0 }
      for (let i = 0; i < 400_000; i++) {
        // the second series the other way round, with a text now and then
        const ms = i % 2 === 0 ? from + i : from - i
        const fields = i % 1_000 === 1 ? { text: `${i}` } : { value }
        verdicts[repeats.note(makePoint(series[i % 2]!, ms, fields, i % 3))]++
      }
      return verdicts
    }
    expect(noteAll(1)).toEqual({ new: 400_000, same: 0, differs: 0 })
    expect(noteAll(1)).toEqual({ new: 0, same: 400_000, differs: 0 })
    expect(repeats.isExact).toBe(true)
  })

  it('of which the oldest were forgotten are still distinguished by what they are', () => {
    const repeats = new Repeats(100)
    const kinds = [{ value: 1 }, { text: 'ON' }, { a: 1, b: 2 }, { other: 3 }]
    for (let ms = 0; ms < 1_000; ms++) repeats.note(makePoint(series[0]!, ms, kinds[ms % 4]!))
    for (let ms = 999; ms > 960; ms--) expect(repeats.note(makePoint(series[0]!, ms, kinds[ms % 4]!))).toBe('same')
    expect(repeats.note(makePoint(series[0]!, 998, { a: 1, b: 3 }))).toBe('differs')
    expect(repeats.takeCorrections()).toEqual([makePoint(series[0]!, 998, { a: 1, b: 3 })])
    expect(repeats.isExact).toBe(false)
  })
})
