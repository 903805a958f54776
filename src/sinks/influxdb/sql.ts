import { z } from 'zod'
import { instantOfNanoseconds } from '../../domain/instant.ts'
import type { FieldValue, Point, Series } from '../../domain/point.ts'
import { halveRange, rangeLength, type TimeRange } from '../../domain/range.ts'
import { sinkFailure } from '../failures.ts'
import { measurementName, nameable, nameText, originalName } from '../line-protocol/names.ts'
import { disordered, finderOf, parseAnswer, type QueryContext, sharedTags, unreadable } from './query.ts'
import { messageIn } from './write-response.ts'

/*
 * InfluxDB 3 is read by SQL: its InfluxQL cannot ask for a name with a quotation mark or a backslash, and counts a LIMIT for
 * each field by itself. jsonl is exact; csv is not ("" and no value look alike). All of it as measured on Core 3.10.1.
 */

const row = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]))

type Row = z.infer<typeof row>

interface Column {
  readonly column_name: string
  readonly data_type: string
}

const mostRows = 5_000
const countColumn = 'count(*)'
/** After a backfill of a few devices, 36 h are more Parquet files than Core reads in one query. */
export const longestSliceMs = 24 * 3_600_000
/** Core begins a new file every ten minutes. */
const shortestSliceMs = 600_000

export async function countsBySql(
  context: QueryContext,
  series: readonly Series[],
  range: TimeRange,
): Promise<ReadonlyMap<Series, number>> {
  const table = measurementName(series[0]!.measurement)
  const columns = await tagColumns(context, table)
  const counted = new Map<Series, number>()
  const held = series.filter(one => isIn(one, columns))
  if (held.length === 0) return counted
  const find = finderOf(held)
  const { conditions, params } = conditionsOf(held)
  const names = columns.map(quoteName).join(', ')
  for await (const rows of slices(context, range, slice =>
    sqlRows(
      context,
      `SELECT ${names}, count(*) FROM ${quoteName(table)} WHERE ${[...conditions, ...within(slice)].join(' AND ')} GROUP BY ${names}`,
      countColumn,
      params,
    ),
  ))
    for (const { [countColumn]: n, ...tags } of rows) {
      const one = find(Object.entries(tags).map(([key, value]) => [key, String(value)] as const))
      if (one !== undefined) counted.set(one, (counted.get(one) ?? 0) + Number(n))
    }
  return counted
}

export async function* readBySql(context: QueryContext, series: Series, range: TimeRange): AsyncIterable<Point> {
  const table = measurementName(series.measurement)
  const columns = await tagColumns(context, table)
  if (!isIn(series, columns)) return
  const { conditions, params } = conditionsOf([series])
  const own = new Set([...series.tags.keys()].map(nameText))
  for (const column of columns) if (!own.has(column)) conditions.push(`${quoteName(column)} IS NULL`)
  let pageRows = mostRows
  const page = (slice: TimeRange, after: bigint) =>
    sqlRows(
      context,
      `SELECT * FROM ${quoteName(table)} WHERE ${[...conditions, ...within(slice, after)].join(' AND ')} ORDER BY time LIMIT ${pageRows}`,
      'time',
      params,
    )
  /** Up to here all rows were given. */
  let after = BigInt(range.after) * 1_000_000n
  async function* pages(slice: TimeRange): AsyncIterable<readonly Row[]> {
    while (true) {
      let rows: readonly Row[]
      try {
        rows = await page(slice, after)
      } catch (error) {
        if (!sinkFailure.is(error, 'sink-answer-too-large') || pageRows === 1) throw error
        pageRows >>>= 1
        continue
      }
      yield rows
      if (rows.length < pageRows) return
    }
  }
  const todo = cut(range, context.slice.ms)
  for (let slice = todo.shift(); slice !== undefined; slice = todo.shift())
    try {
      for await (const rows of pages(slice))
        for (const row of rows) {
          const time = nanosecondsOf(String(row['time']))
          if (time === undefined || time <= after) throw disordered(context)
          after = time
          yield { series, at: instantOfNanoseconds(after), fields: fieldsOf(row, columns) }
        }
    } catch (error) {
      todo.unshift(...shorter(context, slice, error))
    }
}

/** Asks slice by slice, each of them shorter where it holds more files than one query may read. */
async function* slices<T>(
  context: QueryContext,
  range: TimeRange,
  ask: (slice: TimeRange) => Promise<T>,
): AsyncIterable<T> {
  const todo = cut(range, context.slice.ms)
  for (let slice = todo.shift(); slice !== undefined; slice = todo.shift()) {
    let answer: T
    try {
      answer = await ask(slice)
    } catch (error) {
      todo.unshift(...shorter(context, slice, error))
      continue
    }
    yield answer
  }
}

class TooManyFiles extends Error {}

/** The halves of a slice, which are remembered as the longest to ask for. Throws the error where halving does not help. */
function shorter({ slice: longest, endpoint }: QueryContext, slice: TimeRange, error: unknown): readonly TimeRange[] {
  if (!(error instanceof TooManyFiles)) throw error
  if (rangeLength(slice) <= shortestSliceMs)
    throw unreadable(endpoint, { status: 500, headers: {}, body: error.message })
  longest.ms = Math.max(shortestSliceMs, Math.min(longest.ms, Math.ceil(rangeLength(slice) / 2)))
  return halveRange(slice)
}

function cut({ after, until }: TimeRange, stepMs: number): TimeRange[] {
  const slices: TimeRange[] = []
  for (let from = after; from < until; from += stepMs)
    slices.push({ after: from, until: Math.min(until, from + stepMs) })
  return slices
}

/** Names of the tags of a table: none where there is no such table. */
async function tagColumns(context: QueryContext, table: string): Promise<readonly string[]> {
  return (await columnsOf(context, table)).filter(isTag).map(({ column_name }) => column_name)
}

export function isTag({ data_type }: Column): boolean {
  return data_type.startsWith('Dictionary(')
}

export async function columnsOf(context: QueryContext, table: string): Promise<readonly Column[]> {
  const q = `SELECT column_name, data_type FROM information_schema.columns WHERE table_name = '${table.replaceAll("'", "''")}'`
  return (await sqlRows(context, q, 'column_name')) as unknown as readonly Column[]
}

/** Names that were never written are no columns, and a query with them fails: then nothing is there. */
function isIn({ tags }: Series, columns: readonly string[]): boolean {
  return [...tags.keys()].every(key => columns.includes(nameText(key)))
}

function conditionsOf(series: readonly Series[]): { conditions: string[]; params: Record<string, string> } {
  const params: Record<string, string> = {}
  const conditions = [...sharedTags(series)].map(([key, values]) => {
    const equal = values.map(value => {
      const name = `p${Object.keys(params).length}`
      params[name] = nameable(value)
      return `${quoteName(nameText(key))} = $${name}`
    })
    return `(${equal.join(' OR ')})`
  })
  return { conditions, params }
}

function within({ after, until }: TimeRange, afterNs = 0n): readonly string[] {
  const from = BigInt(after) * 1_000_000n
  return [
    `time > to_timestamp_nanos(${afterNs > from ? afterNs : from})`,
    `time <= to_timestamp_nanos(${BigInt(until) * 1_000_000n})`,
  ]
}

/** No rows where the database or the table does not exist. `column`: each row has it. Throws a Failure, or TooManyFiles. */
async function sqlRows(
  { query, endpoint, signal }: QueryContext,
  q: string,
  column: string,
  params: Readonly<Record<string, string>> = {},
): Promise<readonly Row[]> {
  const answer = await query(
    {
      method: 'POST',
      path: '/api/v3/query_sql',
      body: JSON.stringify({ db: endpoint.name, q, format: 'jsonl', params }),
      headers: { 'content-type': 'application/json' },
    },
    signal,
  )
  const text = messageIn(answer.status, answer.body)
  if (answer.status === 404 && /database not found/.test(text)) return []
  if (answer.status === 400 && /^Error during planning: table '.*' not found$/.test(text)) return []
  if (/exceeding the file limit/.test(text) && answer.status === 500) throw new TooManyFiles(text)
  if (answer.status !== 200) throw unreadable(endpoint, answer)
  const lines = answer.body.split('\n').filter(line => line !== '')
  const rows = lines.map(line => parseAnswer(row, endpoint, { ...answer, body: line }))
  if (!rows.every(it => column in it)) throw unreadable(endpoint, answer)
  return rows
}

function fieldsOf({ time, ...cells }: Row, tags: readonly string[]): Point['fields'] {
  const fields: Record<string, FieldValue> = {}
  for (const [name, value] of Object.entries(cells)) if (!tags.includes(name)) fields[originalName(name)] = value
  return fields
}

/** UTC without a Z, up to nine digits after the point, of which Date keeps three. */
function nanosecondsOf(time: string): bigint | undefined {
  const [, whole, digits = ''] = /^(.*?)(?:\.(\d{1,9}))?Z?$/.exec(time) ?? []
  const ms = Date.parse(`${whole}Z`)
  return Number.isNaN(ms) ? undefined : BigInt(ms) * 1_000_000n + BigInt(digits.padEnd(9, '0'))
}

function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
