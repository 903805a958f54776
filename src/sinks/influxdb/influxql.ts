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

/** Of each measurement its fields, each with the types that it has in one shard or another. */
export async function fieldTypes(
  context: QueryContext,
  measurements: readonly string[],
): Promise<ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>> {
  const from = measurements.map(name => quoteName(measurementName(name))).join(', ')
  const found = new Map<string, Map<string, string[]>>()
  for (const { name = '', values } of await influxqlRows(context, `SHOW FIELD KEYS FROM ${from}`)) {
    const fields = found.get(name) ?? new Map<string, string[]>()
    found.set(name, fields)
    for (const [field, type] of values) fields.set(String(field), [...(fields.get(String(field)) ?? []), String(type)])
  }
  return found
}

/** What to select so that each value is found, whatever type its shard gives the field. */
interface Columns {
  /** Around each column, as `count`. */
  selected(around?: string): string
  /** The fields of the columns of an answer. */
  names(answered: readonly string[]): readonly string[]
}

const allFields: Columns = {
  selected: around => (around === undefined ? '*::field' : `${around}(*::field)`),
  names: answered => answered,
}

/** A bare `*` shows the values of one type alone: where a field has several, each is selected by itself. */
async function columnsOf(context: QueryContext, measurement: string): Promise<Columns> {
  const fields =
    (await fieldTypes(context, [measurement])).get(measurementName(measurement)) ?? new Map<string, readonly string[]>()
  const columns = [...fields].flatMap(([field, types]) =>
    // a float shows integers as well
    (types.includes('float') ? types.filter(type => !/^(integer|unsigned)$/.test(type)) : types).map(
      type => [field, type] as const,
    ),
  )
  if (columns.length === fields.size) return allFields
  return {
    selected(around) {
      const each = columns.map(([field, type]) => `${quoteName(field)}::${type}`)
      return each.map(it => (around === undefined ? it : `${around}(${it})`)).join(', ')
    },
    names: () => columns.map(([field]) => field),
  }
}

/** Page by page in order of time; where a page is too large for the memory, in smaller ones. */
export async function* readByInfluxql(context: QueryContext, series: Series, range: TimeRange): AsyncIterable<Point> {
  yield* readColumns(context, series, range, await columnsOf(context, series.measurement))
}

async function* readColumns(
  context: QueryContext,
  series: Series,
  range: TimeRange,
  columns: Columns,
): AsyncIterable<Point> {
  let after = BigInt(range.after) * 1_000_000n
  for (let rows = mostRows; ; ) {
    let page: InfluxqlSeries | undefined
    try {
      const found = await select(
        context,
        [series],
        columns.selected(),
        after,
        range.until,
        `ORDER BY time LIMIT ${rows}`,
      )
      page = found.get(series)
    } catch (error) {
      if (!sinkFailure.is(error, 'sink-answer-too-large') || rows === 1) throw error
      rows >>>= 1
      continue
    }
    if (page === undefined) return
    const names = columns.names(page.columns.slice(1)).map(originalName)
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
  const [first] = series
  return first === undefined
    ? new Map()
    : countColumns(context, series, range, await columnsOf(context, first.measurement))
}

async function countColumns(
  context: QueryContext,
  series: readonly Series[],
  range: TimeRange,
  columns: Columns,
): Promise<ReadonlyMap<Series, number>> {
  const counted = new Map<Series, number>()
  let rows: ReadonlyMap<Series, InfluxqlSeries>
  try {
    rows = await select(context, series, columns.selected('count'), BigInt(range.after) * 1_000_000n, range.until, '')
  } catch (error) {
    if (!sinkFailure.is(error, 'sink-answer-too-large') || series.length === 1) throw error
    const middle = series.length >>> 1
    const halves = [series.slice(0, middle), series.slice(middle)]
    for (const half of halves)
      for (const [one, n] of await countColumns(context, half, range, columns)) counted.set(one, n)
    return counted
  }
  for (const [one, { values }] of rows) {
    const counts = (values[0]?.slice(1) ?? []).map(Number).filter(count => count > 0)
    let points = counts[0] ?? 0
    if (counts.length > 1) {
      points = 0
      for await (const _ of readColumns(context, one, range, columns)) points++
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

export function quoteText(text: string): string {
  return `'${text.replace(/['\\]/g, '\\$&')}'`
}
