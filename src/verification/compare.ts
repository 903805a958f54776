import { isoText } from '../domain/instant.ts'
import { type FieldValue, type Point, type Series, seriesLabel } from '../domain/point.ts'
import type { TimeRange } from '../domain/range.ts'
import { visible } from '../domain/visible.ts'
import type { Sink } from '../sinks/sink.ts'
import { type GatewayWindow, timeKey } from './gateway-window.ts'
import { addExample, type Compared, emptyCompared } from './tallies.ts'

/** One window, entry by entry: what the gateway has now, and what the database holds. */
export interface Comparison extends Compared {
  /** Series of which either of them has points. */
  readonly series: Set<Series>
  /** What is missing as it should be, and what lacks some of its fields and is right in the others. */
  readonly lacking: Point[]
  /** What has another value, as it should be. */
  readonly altered: Point[]
}

const labels = { missing: 'missing', different: 'different', extra: 'only in the database' } as const

export interface CompareParts {
  readonly sink: Pick<Sink, 'read'>
  readonly isExact: boolean
  /** Which of the missing points a dead letter holds. */
  readonly isDeadLetter: (points: readonly Point[]) => Promise<ReadonlySet<Point>>
}

export async function compareWindow(
  window: GatewayWindow,
  range: TimeRange,
  { sink, isExact, isDeadLetter }: CompareParts,
  signal: AbortSignal,
): Promise<Comparison> {
  const { unwritable } = window
  const result: Comparison = { ...emptyCompared(), unwritable, series: new Set(), lacking: [], altered: [] }
  const note = (of: keyof typeof labels, point: Point) =>
    addExample(result, { of, text: `${labels[of]}: ${pointText(point)}` })
  const missing: Point[] = []
  for (const [series, points] of window.series) {
    if (points.size > 0) result.series.add(series)
    const held = new Set<string>()
    for await (const found of sink.read(series, range, signal)) {
      const key = timeKey(found, isExact)
      const wanted = held.has(key) ? undefined : points.get(key)
      result.series.add(series)
      if (wanted === undefined) {
        result.extra++
        note('extra', found)
        continue
      }
      held.add(key)
      const how = compareFields(wanted.fields, found.fields, isExact)
      if (how === 'equal') {
        result.equal++
        noteRounded(result, found, wanted)
      } else {
        result.different++
        result[how].push(wanted)
        note('different', wanted)
      }
    }
    for (const [key, point] of points) if (!held.has(key) && (isExact || hasNumber(point))) missing.push(point)
  }
  const dead = missing.length === 0 ? new Set() : await isDeadLetter(missing)
  for (const point of missing)
    if (dead.has(point)) result.unwritable++
    else {
      result.missing++
      result.lacking.push(point)
      note('missing', point)
    }
  return result
}

/** What is a text alone is not written to a database for numbers. */
function hasNumber({ fields }: Point): boolean {
  return Object.values(fields).some(value => typeof value !== 'string')
}

function noteRounded(result: Comparison, found: Point, { remark }: Point): void {
  if (remark?.kind !== 'rounded') return
  result.rounded++
  addExample(result, {
    of: 'rounded',
    text: `rounded: ${pointText(found)}, and the gateway has ${visible(remark.text)}`,
  })
}

function compareFields(wanted: Point['fields'], found: Point['fields'], isExact: boolean) {
  if (isSame(wanted, found, isExact)) return 'equal'
  return isPartOf(found, wanted, isExact) ? 'lacking' : 'altered'
}

/** Not exact: the database keeps numbers to about 13 digits, and no texts. */
function isSame(wanted: Point['fields'], found: Point['fields'], isExact: boolean): boolean {
  const names = Object.keys(wanted).filter(name => isExact || typeof wanted[name] !== 'string')
  return names.length === Object.keys(found).length && names.every(name => isEqual(wanted[name]!, found[name], isExact))
}

/** To add the fields that it lacks changes no value. */
function isPartOf(found: Point['fields'], wanted: Point['fields'], isExact: boolean): boolean {
  return Object.entries(found).every(([name, value]) => name in wanted && isEqual(wanted[name]!, value, isExact))
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
