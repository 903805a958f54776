import { z } from 'zod'
import type { Clock } from '../../domain/clock.ts'
import type { Point, Series } from '../../domain/point.ts'
import { halveRange, rangeLength, type TimeRange } from '../../domain/range.ts'
import { originalName, spellingWithoutBackslash as spelling } from '../line-protocol/names.ts'
import { queryText } from './endpoint.ts'
import { parseAnswer, type QueryContext, unreadable } from './query.ts'
import { type Retention, unknownRetention } from './retention.ts'

/** So many samples, of all fields together, are in memory at a time. */
const pageSamples = 100_000

/** It spells what JSON cannot hold. */
const sample = z.union([
  z.number(),
  z.null().transform(() => Number.NaN),
  z.literal(['Infinity', '-Infinity']).transform(Number),
])

const exportedLine = z
  .object({
    metric: z.record(z.string(), z.string()),
    values: z.array(sample),
    timestamps: z.array(z.int()),
  })
  .refine(({ metric, values, timestamps }) => '__name__' in metric && values.length === timestamps.length)

const instantValue = z.object({
  data: z.object({ result: z.array(z.object({ value: z.tuple([z.number(), z.string()]) })) }),
})

/** Raw samples of VictoriaMetrics. What was written twice is there twice (without its dedup option): a time counts once. */
export async function* readByExport(context: QueryContext, series: Series, range: TimeRange): AsyncIterable<Point> {
  for await (const page of pages(context, series, range))
    for (const [ms, fields] of [...page].sort(([a], [b]) => a - b)) yield { series, at: { ms, nanos: 0 }, fields }
}

export async function countsByExport(
  context: QueryContext,
  series: readonly Series[],
  range: TimeRange,
): Promise<ReadonlyMap<Series, number>> {
  const counted = new Map<Series, number>()
  for (const one of series) {
    let points = 0
    for await (const page of pages(context, one, range)) points += page.size
    counted.set(one, points)
  }
  return counted
}

/** Times → fields, page by page: the range is halved until a page holds few enough of them. */
async function* pages(
  context: QueryContext,
  series: Series,
  range: TimeRange,
): AsyncIterable<Map<number, Record<string, number>>> {
  const todo = [range]
  for (let next = todo.pop(); next !== undefined; next = todo.pop())
    if (rangeLength(next) > 1 && !(await fitsPage(context, series, next))) todo.push(...halveRange(next).toReversed())
    else yield await page(context, series, next)
}

/** A rough count, since it leaves out the last seconds (-search.latencyOffset); what cannot be counted is too much. */
async function fitsPage(
  { query, endpoint, signal, measurements }: QueryContext,
  series: Series,
  range: TimeRange,
): Promise<boolean> {
  const promql = `sum(count_over_time(${seriesSelector(series, measurements)}[${rangeLength(range)}ms]))`
  const path = `/api/v1/query?${queryText({ query: promql, time: seconds(range.until) })}`
  const answer = await query({ method: 'GET', path }, signal)
  if (answer.status !== 200) return false
  const { data } = parseAnswer(instantValue, endpoint, answer)
  return Number(data.result[0]?.value[1] ?? 0) <= pageSamples
}

async function page(
  { query, endpoint, signal, measurements }: QueryContext,
  series: Series,
  { after, until }: TimeRange,
): Promise<Map<number, Record<string, number>>> {
  const prefix = `${spelling.measurement(series.measurement)}_`
  // start and end are both included, in seconds: what is left out of (after, until] is the first millisecond.
  const path = `/api/v1/export?${queryText({ 'match[]': seriesSelector(series, measurements), start: seconds(after + 1), end: seconds(until) })}`
  const answer = await query({ method: 'GET', path }, signal)
  if (answer.status !== 200) throw unreadable(endpoint, answer)
  const points = new Map<number, Record<string, number>>()
  for (const text of answer.body.split('\n')) {
    if (text === '') continue
    const { metric, values, timestamps } = parseAnswer(exportedLine, endpoint, { ...answer, body: text })
    // Labels that are not ours belong to another series; db is what /write adds for the database.
    if (
      Object.keys(metric).some(label => label !== '__name__' && label !== 'db' && !series.tags.has(originalName(label)))
    )
      continue
    const field = originalName(metric['__name__']!.slice(prefix.length))
    for (const [i, ms] of timestamps.entries()) {
      const fields = points.get(ms)
      if (fields === undefined) points.set(ms, { [field]: values[i]! })
      else fields[field] = values[i]!
    }
  }
  return points
}

/** `without`: labels that the series has not. A name is of the longest measurement that it can be of: `datalog_x_value` is no field `x_value` of `datalog`. */
export function seriesSelector(
  { measurement, tags }: Series,
  measurements: readonly string[],
  without: readonly string[] = [],
): string {
  const conditions = [...tags].map(([key, value]) => `${labelName(key)}=${quote(spelling.value(value))}`)
  for (const label of without) conditions.push(`${escapedLabel(label)}=""`)
  for (const longer of measurements)
    if (isLonger(longer, measurement)) conditions.unshift(`__name__!~${quote(namePattern(longer))}`)
  return `{${[`__name__=~${quote(namePattern(measurement))}`, ...conditions].join(',')}}`
}

/** Measurement and field are one name here. */
function namePattern(measurement: string): string {
  return `${escapeRegExp(spelling.measurement(measurement))}_.+`
}

function isLonger(longer: string, measurement: string): boolean {
  return longer.startsWith(`${measurement}_`)
}

/** Measurements of which one begins as another does. */
export function mixedMeasurements(measurements: readonly string[]): readonly string[] {
  return measurements.flatMap(shorter =>
    measurements
      .filter(longer => isLonger(longer, shorter))
      .map(
        longer =>
          `VictoriaMetrics joins measurement and field to one name: fields of ${shorter} that begin with ${longer.slice(shorter.length + 1)}_ would be taken for fields of ${longer}. Give one of the two another name.`,
      ),
  )
}

const visibleMs = 2_000

/** Rows are seen by queries about a second after they were written, or when they are flushed, where that may be asked. */
export async function flushed({ query, signal }: QueryContext, clock: Clock): Promise<void> {
  const { status } = await query({ method: 'GET', path: '/internal/force_flush' }, signal)
  if (status !== 200) await clock.sleep(visibleMs, signal)
}

/** In a selector, what is no letter, digit or underscore is escaped with a backslash. */
function labelName(key: string): string {
  return escapedLabel(spelling.key(key))
}

function escapedLabel(label: string): string {
  return label.replace(/[^\p{L}\p{N}_:.]/gu, '\\$&')
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3)
}

function quote(text: string): string {
  return JSON.stringify(text)
}

function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
}

/** What VictoriaMetrics takes unless it is told otherwise: until 1.8x it cannot be told. */
const longestAheadMs = 2 * 86_400_000

/** Flags with which it loses, renames or merges what it answers with 204, and how they have to be. */
const harmfulFlags: readonly { name: string; isHarmless: (value: string) => boolean; advice: string }[] = [
  {
    name: 'dedup.minScrapeInterval',
    isHarmless: value => /^1ms$/.test(value),
    advice:
      'Start it with -dedup.minScrapeInterval=1ms: without it what is written twice is kept twice, and with a longer one only one point of each interval is kept.',
  },
  {
    name: 'influxMeasurementFieldSeparator',
    isHarmless: value => value === '_',
    advice: 'Points are not found again under another name: leave it out.',
  },
  {
    name: 'influxSkipMeasurement',
    isHarmless: value => value === 'false',
    advice: 'Fields of different measurements become one series: leave it out.',
  },
  {
    name: 'influxSkipSingleField',
    isHarmless: value => value === 'false',
    advice: 'Points are not found again under another name: leave it out.',
  },
  {
    name: 'relabelConfig',
    isHarmless: value => value === '',
    advice: 'Its rules may rename or drop what is written: see that they leave our series alone.',
  },
  {
    name: 'influxTrimTimestamp',
    isHarmless: value => /^1ms$/.test(value),
    advice: 'Points within one interval become one: leave it out.',
  },
]

/** Its own command line, among its metrics (1.79). What is beyond either end vanishes without a word. */
export async function flaggedRetention({ query, signal }: QueryContext): Promise<Retention> {
  const { status, body } = await query({ method: 'GET', path: '/metrics' }, signal)
  const flag = (name: string) =>
    new RegExp(`^flag\\{name="${escapeRegExp(name)}", value="([^"]*)"`, 'm').exec(body)?.[1]
  const period = flag('retentionPeriod')
  const aheadMs = periodMs(flag('futureRetention') ?? '') ?? longestAheadMs
  if (status !== 200 || period === undefined)
    return { ...unknownRetention('VictoriaMetrics does not show its flags at /metrics'), aheadMs }
  const warnings = harmfulFlags.flatMap(({ name, isHarmless, advice }) => {
    const value = flag(name)
    return value === undefined || isHarmless(value) ? [] : [`VictoriaMetrics runs with -${name}=${value}. ${advice}`]
  })
  return { retentionMs: periodMs(period), aheadMs, warnings }
}

/** `100y`, `30d`; without a unit it means months of 31 days. */
function periodMs(text: string): number | undefined {
  const day = 86_400_000
  const unit = { h: day / 24, d: day, w: 7 * day, y: 365 * day, '': 31 * day } as const
  const [, digits, letter] = /^(\d+(?:\.\d+)?)([hdwy]?)$/.exec(text) ?? []
  return digits === undefined ? undefined : Number(digits) * unit[letter as '']
}

/** Data of the last seconds before another start may be lost. */
export async function serverStart({ query, signal }: QueryContext): Promise<Readonly<Record<string, string>>> {
  const { body } = await query({ method: 'GET', path: '/metrics' }, signal)
  const started = instantText(Number(/^process_start_time_seconds (\S+)/m.exec(body)?.[1]) * 1000)
  return started === undefined ? {} : { startedAt: started }
}

function instantText(ms: number): string | undefined {
  const date = new Date(ms)
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString()
}

/** It writes to the disk every few seconds: 6 to 10 s after its answer points were still lost (1.79, 1.150). */
const onDiskMs = 60_000

/** A snapshot forces all that was acknowledged to the disk; it is removed at once. Where none may be made, time does it. */
export async function snapshotOnDisk({ query, signal }: QueryContext, clock: Clock): Promise<void> {
  const { status, body } = await query({ method: 'GET', path: '/snapshot/create' }, signal)
  const name = /"snapshot": *"([\w-]+)"/.exec(body)?.[1]
  if (status !== 200 || name === undefined) await clock.sleep(onDiskMs, signal)
  else await query({ method: 'GET', path: `/snapshot/delete?snapshot=${name}` }, signal)
  // what is older than a few minutes is drawn from a cache that does not know of it
  await query({ method: 'GET', path: '/internal/resetRollupResultCache' }, signal)
}
