import { expect } from 'vitest'
import type { FieldValue, Point, Series } from '../../src/domain/point.ts'
import type { TimeRange } from '../../src/domain/range.ts'
import { countOf, type Sink } from '../../src/sinks/sink.ts'
import { makePoint, makePoints, makeSeries } from './points.ts'

const never = new AbortController().signal
const at = 1_600_000_000_000
/** Of all that is written here; short, because some databases are asked day by day. */
const everything: TimeRange = { after: at - 86_400_000, until: at + 86_400_000 }

export async function readAll(sink: Sink, series: Series, range = everything): Promise<Point[]> {
  const points: Point[] = []
  for await (const point of sink.read(series, range, never)) points.push(point)
  return points
}

/**
 * The law of `count` and `read`: exactly what was written to this series, within `(after, until]`, in order of time.
 * `exact`: the database keeps every digit of times and numbers.
 */
export async function expectReadBack(sink: Sink, holds: { texts: boolean; exact: boolean }): Promise<void> {
  await expectRanges(sink, holds)
  await expectNames(sink)
  await expectKinds(sink, holds)
  await expectPages(sink, holds)
}

/** Both ends, to the nanosecond where the database keeps them. */
async function expectRanges(sink: Sink, { exact }: { exact: boolean }): Promise<void> {
  const series = makeSeries({}, 'ranges')
  const times = exact
    ? [
        [0, 0],
        [0, 1],
        [1, 0],
        [1, 999_999],
        [2, 0],
        [2, 1],
        [5, 123_456],
      ]
    : [
        [0, 0],
        [1, 0],
        [2, 0],
        [3, 0],
        [5, 0],
      ]
  const points = times.map(([ms, ns], i) => makePoint(series, at + ms!, { value: i }, ns))
  expect(await sink.write(points.toReversed(), never)).toEqual({ written: points.length, rejected: [] })
  expect(await readAll(sink, series)).toEqual(points)
  const range = { after: at, until: at + 2 }
  const within = points.filter(({ at: { ms, nanos: ns } }) => {
    const first = ms > range.after || (ms === range.after && ns > 0)
    return first && (ms < range.until || (ms === range.until && ns === 0))
  })
  expect(await readAll(sink, series, range)).toEqual(within)
  expect(await countOf(sink, series, range, never)).toBe(within.length)
  expect(await countOf(sink, series, { after: at + 6, until: at + 9 }, never)).toBe(0)
  expect(await readAll(sink, makeSeries({}, 'never written'))).toEqual([])
  expect(await countOf(sink, makeSeries({}, 'never written'), everything, never)).toBe(0)
}

/** Whatever the names hold, and not what belongs to a series with one tag more. */
async function expectNames(sink: Sink): Promise<void> {
  const devices = [
    'a',
    'a ',
    `it's "a"`,
    'a\\',
    'a\\b',
    'a\\\\b',
    'a,b',
    'a\\,b',
    'a\\\\,b',
    'a\\ b',
    'a\\=b',
    'a\\\\',
    'a,b=c',
    '␥',
    'a␥b',
    'two\nlines',
    'a␊b',
    'é',
    '',
    '$' + '{a}',
    '.*',
  ]
  const all = [
    ...devices.map(device => makeSeries({ device }, 'na mes')),
    makeSeries({ device: 'a', floor: '2' }, 'na mes'),
  ]
  const points = all.map((series, i) => makePoint(series, at, { value: i }))
  expect(await sink.write(points, never)).toEqual({ written: points.length, rejected: [] })
  for (const [i, series] of all.entries()) {
    expect(await readAll(sink, series)).toEqual([points[i]])
    expect(await countOf(sink, series, everything, never)).toBe(1)
  }
  const keys = makeSeries({ 'k\\1': 'x', 'k\\\\1': 'y' }, 'back\\slash')
  const fields = makePoint(keys, at, { 'a\\b': 1, 'a\\\\b': 2, 'a,b': 4, 'a\\': 5 })
  expect(await sink.write([fields], never)).toEqual({ written: 1, rejected: [] })
  expect(await readAll(sink, keys)).toEqual([fields])
}

/** A count of points is not one of fields. */
async function expectKinds(sink: Sink, { texts, exact }: { texts: boolean; exact: boolean }): Promise<void> {
  const series = makeSeries({}, 'kinds')
  const fields: Record<string, FieldValue>[] = [
    { value: 1, state: 2 },
    { value: 0.1 },
    // VictoriaMetrics makes the smallest numbers 0.
    { state: exact ? 5e-324 : 1e-9 },
    ...(texts ? [{ text: 'on "two"\nlines, a=b' }, { value: 3, mode_text: 'C:\\' }] : []),
  ]
  const points = fields.map((field, i) => makePoint(series, at + i, field))
  expect(await sink.write(points, never)).toEqual({ written: points.length, rejected: [] })
  expect(await readAll(sink, series)).toEqual(points)
  expect(await countOf(sink, series, everything, never)).toBe(points.length)
}

/** More than a page of any of them, written twice. */
async function expectPages(sink: Sink, { exact }: { exact: boolean }): Promise<void> {
  const series = makeSeries({}, 'pages')
  const points = makePoints(series, 12_001).map((point, i) => (exact ? point : { ...point, fields: { value: i / 4 } }))
  for (let i = 0; i < 2; i++) await sink.write(points, never)
  expect(await countOf(sink, series, everything, never)).toBe(12_001)
  expect(await readAll(sink, series)).toEqual(points)
}
