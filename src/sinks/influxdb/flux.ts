import { linesToRowsIterable, type Row, stringToLines } from '@influxdata/influxdb-client'
import { type Instant, instantOfNanoseconds } from '../../domain/instant.ts'
import type { FieldValue, Point, Series } from '../../domain/point.ts'
import type { TimeRange } from '../../domain/range.ts'
import { measurementName, nameable, nameText, originalName } from '../line-protocol/names.ts'
import { queryText } from './endpoint.ts'
import type { QueryContext } from './query.ts'
import { unreadable } from './query.ts'

const pageRows = 5_000

/** One row a point, its fields as columns (`pivot`), page by page in order of time. */
export async function* readByFlux(context: QueryContext, series: Series, range: TimeRange): AsyncIterable<Point> {
  let after = BigInt(range.after) * 1_000_000n
  while (true) {
    let rows = 0
    for await (const { at, fields } of page(context, series, after, range.until)) {
      rows++
      after = at.ns
      if (fields !== undefined) yield { series, at: at.instant, fields }
    }
    if (rows < pageRows) return
  }
}

export async function countByFlux(context: QueryContext, series: Series, range: TimeRange): Promise<number> {
  let points = 0
  for await (const _ of readByFlux(context, series, range)) points++
  return points
}

interface FoundPoint {
  readonly at: { readonly ns: bigint; readonly instant: Instant }
  /** Undefined: of a series with more tags than ours. */
  readonly fields: Record<string, FieldValue> | undefined
}

async function* page(
  { ask, endpoint, signal }: QueryContext,
  series: Series,
  after: bigint,
  until: number,
): AsyncIterable<FoundPoint> {
  const equal = [...series.tags].map(([key, value]) => `r[${text(nameText(key))}] == ${text(nameable(value))}`)
  const query = `from(bucket: ${text(endpoint.name)})
  |> range(start: ${timeText(after + 1n)}, stop: ${timeText(BigInt(until) * 1_000_000n + 1n)})
  |> filter(fn: (r) => ${[`r._measurement == ${text(measurementName(series.measurement))}`, ...equal].join(' and ')})
  |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")
  |> sort(columns: ["_time"])
  |> limit(n: ${pageRows})`
  const answer = await ask(
    {
      method: 'POST',
      path: `/api/v2/query?${queryText({ org: endpoint.org ?? '' })}`,
      body: JSON.stringify({ query, type: 'flux', dialect: { annotations: ['datatype', 'group', 'default'] } }),
      headers: { 'content-type': 'application/json', accept: 'application/csv' },
    },
    signal,
  )
  if (answer.status !== 200) throw unreadable(endpoint, answer)
  for await (const row of linesToRowsIterable(linesOf(answer.body))) yield foundPoint(row, series)
}

async function* linesOf(body: string): AsyncIterable<string> {
  const lines: string[] = []
  stringToLines(body, { next: line => void lines.push(line), error() {}, complete() {} })
  yield* lines
}

const ownColumns = new Set(['result', 'table', '_start', '_stop', '_time', '_measurement'])

function foundPoint({ values, tableMeta }: Row, series: Series): FoundPoint {
  const fields: Record<string, FieldValue> = {}
  let isOurs = true
  let ns = 0n
  for (const column of tableMeta.columns) {
    if (column.label === '_time') ns = nanosecondsOf(values[column.index] ?? '')
    if (ownColumns.has(column.label)) continue
    const name = originalName(column.label)
    if (column.group) isOurs &&= series.tags.has(name)
    else {
      const raw = values[column.index] ?? ''
      if (column.dataType === 'string') {
        if (raw !== '') fields[name] = raw
      } else if (raw !== '') fields[name] = column.dataType === 'boolean' ? raw === 'true' : Number(raw)
    }
  }
  return { at: { ns, instant: instantOfNanoseconds(ns) }, fields: isOurs ? fields : undefined }
}

/** RFC 3339 with up to nine digits after the point, of which Date keeps three. */
function nanosecondsOf(time: string): bigint {
  const [, whole, digits = ''] = /^(.*?)(?:\.(\d{1,9}))?Z$/.exec(time) ?? []
  return BigInt(Date.parse(`${whole}Z`)) * 1_000_000n + BigInt(digits.padEnd(9, '0'))
}

function timeText(ns: bigint): string {
  const { ms, nanos } = instantOfNanoseconds(ns)
  return `${new Date(ms).toISOString().slice(0, -1)}${String(nanos).padStart(6, '0')}Z`
}

/** Flux reads `\${` in a text as the beginning of an expression. */
function text(value: string): string {
  return `"${value.replace(/["\\]|\$\{/g, '\\$&')}"`
}
