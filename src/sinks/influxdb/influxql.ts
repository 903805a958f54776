import { z } from 'zod'
import { instantOfNanoseconds } from '../../domain/instant.ts'
import type { FieldValue, Point, Series } from '../../domain/point.ts'
import type { TimeRange } from '../../domain/range.ts'
import { sinkFailure } from '../failures.ts'
import { measurementName, nameable, nameText, originalName } from '../line-protocol/names.ts'
import { queryText } from './endpoint.ts'
import { disordered, finderOf, parseAnswer, type QueryContext, sharedTags, unreadable } from './query.ts'

const cell = z.union([z.string(), z.number(), z.boolean(), z.bigint(), z.null()])

const influxqlSeries = z
  .object({
    name: z.string().optional(),
    tags: z.record(z.string(), z.string()).optional(),
    columns: z.array(z.string()),
    values: z.array(z.array(cell)),
    partial: z.boolean().optional(),
  })
  .refine(({ columns, values }) => values.every(row => row.length === columns.length))

/** `partial`: 1.x has more rows than its `max-row-limit`, and the rest was left out. */
const answers = z.object({
  results: z.array(
    z.object({
      error: z.string().optional(),
      partial: z.boolean().optional(),
      series: z.array(influxqlSeries).optional(),
    }),
  ),
})

type Cell = z.infer<typeof cell>
export type InfluxqlSeries = z.infer<typeof influxqlSeries>

const mostRows = 5_000

/** Times come as BigInt: nanoseconds are beyond what a number holds. Throws a Failure `sink-unreadable`. */
export async function influxqlRows(context: QueryContext, q: string): Promise<readonly InfluxqlSeries[]> {
  const { query, endpoint, signal } = context
  const path = `/query?${queryText({ db: endpoint.name, rp: endpoint.retentionPolicy, epoch: 'ns', q })}`
  const answer = await query({ method: 'GET', path }, signal)
  const { results } = parseAnswer(answers, endpoint, answer, exactTimes)
  const wrong = results.find(result => result.error !== undefined)?.error
  if (wrong !== undefined) throw unreadable(endpoint, { ...answer, status: 400, body: wrong })
  const series = results.flatMap(result => result.series ?? [])
  if ([...results, ...series].some(({ partial }) => partial === true))
    throw unreadable(endpoint, { ...answer, status: 400, body: 'it cuts its answers off (max-row-limit)' })
  return series
}

/** The first column of a row is its time; digits beyond 2^53 are in the source text alone. */
function exactTimes(key: string, value: unknown, { source }: { source?: string }): unknown {
  return key === '0' && typeof value === 'number' && source !== undefined && /^-?\d{16,}$/.test(source)
    ? BigInt(source)
    : value
}

/** Page by page in order of time; where a page is too large for the memory, in smaller ones. */
export async function* readByInfluxql(context: QueryContext, series: Series, range: TimeRange): AsyncIterable<Point> {
  let after = BigInt(range.after) * 1_000_000n
  for (let rows = mostRows; ; ) {
    let page: InfluxqlSeries | undefined
    try {
      const found = await select(context, [series], '*::field', after, range.until, `ORDER BY time LIMIT ${rows}`)
      page = found.get(series)
    } catch (error) {
      if (!sinkFailure.is(error, 'sink-answer-too-large') || rows === 1) throw error
      rows >>>= 1
      continue
    }
    if (page === undefined) return
    const names = page.columns.slice(1).map(originalName)
    for (const [time, ...cells] of page.values) {
      const at = timeOf(time)
      if (at === undefined || at <= after) throw disordered(context)
      after = at
      const fields: Record<string, FieldValue> = {}
      for (const [i, cell] of cells.entries()) if (cell !== null) fields[names[i]!] = cell as FieldValue
      yield { series, at: instantOfNanoseconds(after), fields }
    }
    if (page.values.length < rows) return
  }
}

/** Nanoseconds; undefined for what is no time. */
function timeOf(time: Cell | undefined): bigint | undefined {
  if (typeof time === 'bigint') return time
  return Number.isSafeInteger(time) ? BigInt(time as number) : undefined
}

/** A count is of a field. Where a series has several of them, only the points themselves tell how many they are. */
export async function countsByInfluxql(
  context: QueryContext,
  series: readonly Series[],
  range: TimeRange,
): Promise<ReadonlyMap<Series, number>> {
  const counted = new Map<Series, number>()
  let rows: ReadonlyMap<Series, InfluxqlSeries>
  try {
    rows = await select(context, series, 'count(*::field)', BigInt(range.after) * 1_000_000n, range.until, '')
  } catch (error) {
    if (!sinkFailure.is(error, 'sink-answer-too-large') || series.length === 1) throw error
    const middle = series.length >>> 1
    const halves = [series.slice(0, middle), series.slice(middle)]
    for (const half of halves) for (const [one, n] of await countsByInfluxql(context, half, range)) counted.set(one, n)
    return counted
  }
  for (const [one, { values }] of rows) {
    const counts = (values[0]?.slice(1) ?? []).map(Number).filter(count => count > 0)
    let points = counts[0] ?? 0
    if (counts.length > 1) {
      points = 0
      for await (const _ of readByInfluxql(context, one, range)) points++
    }
    counted.set(one, points)
  }
  return counted
}

/** GROUP BY * tells which rows are of these very series, and not of one that has more tags. */
async function select(
  context: QueryContext,
  series: readonly Series[],
  what: string,
  after: bigint,
  until: number,
  rest: string,
): Promise<ReadonlyMap<Series, InfluxqlSeries>> {
  const conditions = [...sharedTags(series)].map(([key, values]) => {
    const equal = values.map(value => `${quoteName(nameText(key))} = ${quoteText(nameable(value))}`)
    return `(${equal.join(' OR ')})`
  })
  conditions.push(`time > ${after}`, `time <= ${until}000000`)
  const from = quoteName(measurementName(series[0]!.measurement))
  const rows = await influxqlRows(
    context,
    `SELECT ${what} FROM ${from} WHERE ${conditions.join(' AND ')} GROUP BY * ${rest}`,
  )
  const find = finderOf(series)
  const found = new Map<Series, InfluxqlSeries>()
  for (const row of rows) {
    const tags = Object.entries(row.tags ?? {}).filter(([, value]) => value !== '')
    const one = find(tags)
    if (one !== undefined) found.set(one, row)
  }
  return found
}

export function quoteName(name: string): string {
  return `"${name.replace(/["\\]/g, '\\$&')}"`
}

function quoteText(text: string): string {
  return `'${text.replace(/['\\]/g, '\\$&')}'`
}
