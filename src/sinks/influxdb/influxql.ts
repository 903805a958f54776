import { instantOfNanoseconds, nanoseconds } from '../../domain/instant.ts'
import type { FieldValue, Point, Series } from '../../domain/point.ts'
import type { TimeRange } from '../../domain/range.ts'
import { measurementName, nameable, nameText, originalName } from '../line-protocol/names.ts'
import { queryText } from './endpoint.ts'
import type { QueryContext } from './query.ts'
import { unreadable } from './query.ts'

type Cell = string | number | boolean | bigint | null

export interface InfluxqlSeries {
  readonly name?: string
  readonly tags?: Readonly<Record<string, string>>
  readonly columns: readonly string[]
  readonly values: readonly (readonly Cell[])[]
}

const pageRows = 5_000

/** Times come as BigInt: nanoseconds are beyond what a number holds. Throws a Failure `sink-unreadable`. */
export async function influxqlRows(
  { ask, endpoint, signal }: QueryContext,
  q: string,
): Promise<readonly InfluxqlSeries[]> {
  const path = `/query?${queryText({ db: endpoint.name, rp: endpoint.retentionPolicy, epoch: 'ns', q })}`
  const answer = await ask({ method: 'GET', path }, signal)
  if (answer.status !== 200) throw unreadable(endpoint, answer)
  const results = resultsOf(answer.body)
  if (results === undefined) throw unreadable(endpoint, answer)
  const wrong = results.find(result => result.error !== undefined)?.error
  if (wrong !== undefined) throw unreadable(endpoint, { ...answer, body: wrong })
  return results.flatMap(result => result.series ?? [])
}

interface Result {
  readonly error?: string
  readonly series?: readonly InfluxqlSeries[]
}

/** Undefined: what answers is no InfluxQL. */
function resultsOf(body: string): readonly Result[] | undefined {
  try {
    const { results } = JSON.parse(body, exactTimes as (key: string, value: unknown) => unknown) as {
      results?: unknown
    }
    return Array.isArray(results) ? results : undefined
  } catch {
    return undefined
  }
}

/** The first column of a row is its time; digits beyond 2^53 are in the source text alone. */
function exactTimes(key: string, value: unknown, { source }: { source?: string }): unknown {
  return key === '0' && typeof value === 'number' && source !== undefined && /^-?\d{16,}$/.test(source)
    ? BigInt(source)
    : value
}

export async function* readByInfluxql(context: QueryContext, series: Series, range: TimeRange): AsyncIterable<Point> {
  let after = BigInt(range.after) * 1_000_000n
  while (true) {
    const page = await rowsOf(
      context,
      series,
      '*::field',
      { after, until: range.until },
      `ORDER BY time LIMIT ${pageRows}`,
    )
    if (page === undefined) return
    const names = page.columns.slice(1).map(originalName)
    for (const [time, ...cells] of page.values) {
      after = BigInt(time as bigint | number)
      const fields: Record<string, FieldValue> = {}
      for (const [i, cell] of cells.entries()) if (cell !== null) fields[names[i]!] = cell as FieldValue
      yield { series, at: instantOfNanoseconds(after), fields }
    }
    if (page.values.length < pageRows) return
  }
}

/** A count is of a field. With several of them only the points themselves tell how many they are. */
export async function countByInfluxql(context: QueryContext, series: Series, range: TimeRange): Promise<number> {
  const exact = { after: nanoseconds({ ms: range.after, nanos: 0 }), until: range.until }
  const counted = await rowsOf(context, series, 'count(*::field)', exact, '')
  const counts = (counted?.values[0]?.slice(1) ?? []).map(Number).filter(count => count > 0)
  if (counts.length < 2) return counts[0] ?? 0
  let points = 0
  for await (const _ of readByInfluxql(context, series, range)) points++
  return points
}

/** GROUP BY * tells which rows are of this very series, and not of one that has more tags. */
async function rowsOf(
  context: QueryContext,
  { measurement, tags }: Series,
  what: string,
  { after, until }: { after: bigint; until: number },
  rest: string,
): Promise<InfluxqlSeries | undefined> {
  const conditions = [...tags].map(([key, value]) => `${quoteName(nameText(key))} = ${quoteText(nameable(value))}`)
  conditions.push(`time > ${after}`, `time <= ${until}000000`)
  const from = quoteName(measurementName(measurement))
  const found = await influxqlRows(
    context,
    `SELECT ${what} FROM ${from} WHERE ${conditions.join(' AND ')} GROUP BY * ${rest}`,
  )
  return found.find(({ tags: stored = {} }) =>
    Object.entries(stored).every(([key, value]) => value === '' || tags.has(originalName(key))),
  )
}

export function quoteName(name: string): string {
  return `"${name.replace(/["\\]/g, '\\$&')}"`
}

function quoteText(text: string): string {
  return `'${text.replace(/['\\]/g, '\\$&')}'`
}
