import { isoText } from '../domain/instant.ts'
import type { FieldValue, Point, Series } from '../domain/point.ts'
import type { TimeRange } from '../domain/range.ts'
import { seriesLabel } from '../entries/letter-point.ts'
import type { Sink } from '../sinks/sink.ts'
import { type Expected, timeKey } from './gateway-window.ts'

/** One window, entry by entry: what the gateway has now, against what the database holds. */
export interface Comparison {
  equal: number
  /** The gateway has it, the database does not. */
  missing: number
  /** Both have it, with other values. */
  different: number
  /** The database has it, the gateway does not: pruned there since, or never ours. */
  extra: number
  /** The gateway has it, and it cannot be written: a dead letter, no difference. */
  unwritable: number
  /** Series that either of them has points of. */
  readonly series: Set<Series>
  readonly examples: string[]
  /** What is missing or different, as it should be. */
  readonly wrong: Point[]
}

const mostExamples = 5

export interface ComparingParts {
  readonly sink: Pick<Sink, 'read'>
  readonly isExact: boolean
  /** Of points that are missing: true where a dead letter holds one. */
  readonly isDeadLetter: (points: readonly Point[]) => Promise<ReadonlySet<Point>>
}

export async function compareWindow(
  expected: Expected,
  range: TimeRange,
  { sink, isExact, isDeadLetter }: ComparingParts,
  signal: AbortSignal,
): Promise<Comparison> {
  const result: Comparison = {
    equal: 0,
    missing: 0,
    different: 0,
    extra: 0,
    unwritable: expected.unwritable,
    series: new Set(),
    examples: [],
    wrong: [],
  }
  const tell = (what: string, point: Point) => {
    if (result.examples.length < mostExamples) result.examples.push(`${what} ${pointText(point)}`)
  }
  const missing: Point[] = []
  for (const [series, points] of expected.series) {
    if (points.size > 0) result.series.add(series)
    const held = new Set<string>()
    for await (const found of sink.read(series, range, signal)) {
      const key = timeKey(found, isExact)
      const wanted = held.has(key) ? undefined : points.get(key)
      result.series.add(series)
      if (wanted === undefined) {
        result.extra++
        tell('only in the database:', found)
        continue
      }
      held.add(key)
      if (isSame(wanted.fields, found.fields, isExact)) result.equal++
      else {
        result.different++
        result.wrong.push(wanted)
        tell('different:', wanted)
      }
    }
    for (const [key, point] of points) if (!held.has(key)) missing.push(point)
  }
  const dead = missing.length === 0 ? new Set() : await isDeadLetter(missing)
  for (const point of missing)
    if (dead.has(point)) result.unwritable++
    else {
      result.missing++
      result.wrong.push(point)
      tell('missing:', point)
    }
  return result
}

/** Where the database keeps less: numbers to about 13 digits, no texts. */
function isSame(wanted: Point['fields'], found: Point['fields'], isExact: boolean): boolean {
  const names = Object.keys(wanted).filter(name => isExact || typeof wanted[name] !== 'string')
  return names.length === Object.keys(found).length && names.every(name => isEqual(wanted[name]!, found[name], isExact))
}

function isEqual(a: FieldValue, b: FieldValue | undefined, isExact: boolean): boolean {
  if (a === b) return true
  if (isExact || typeof a !== 'number' || typeof b !== 'number') return false
  return Math.abs(a - b) <= 1e-12 * Math.max(Math.abs(a), Math.abs(b))
}

function pointText({ series, at, fields }: Point): string {
  const digits = at.nanos === 0 ? '' : ` +${at.nanos} ns`
  return `${seriesLabel(series)} ${isoText(at.ms)}${digits} ${JSON.stringify(fields)}`
}
