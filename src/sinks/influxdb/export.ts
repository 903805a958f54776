import type { Point, Series } from '../../domain/point.ts'
import { halveRange, rangeLength, type TimeRange } from '../../domain/range.ts'
import { unreadable } from './ask.ts'
import { originalName, spellingWithoutBackslash as spelling } from './names.ts'
import { queryText } from './place.ts'
import type { Question } from './question.ts'

/** So many samples, of all fields together, are in memory at a time. */
const pageSamples = 100_000

interface ExportedLine {
  readonly metric: Readonly<Record<string, string>>
  readonly values: readonly number[]
  readonly timestamps: readonly number[]
}

/** Raw samples of VictoriaMetrics. What was written twice is there twice (without its dedup option): a time counts once. */
export async function* readByExport(question: Question, series: Series, range: TimeRange): AsyncIterable<Point> {
  for await (const page of pages(question, series, range))
    for (const [ms, fields] of [...page].sort(([a], [b]) => a - b)) yield { series, at: { ms, nanos: 0 }, fields }
}

export async function countByExport(question: Question, series: Series, range: TimeRange): Promise<number> {
  let points = 0
  for await (const page of pages(question, series, range)) points += page.size
  return points
}

/** Times → fields, page by page: the range is halved until a page holds few enough of them. */
async function* pages(
  question: Question,
  series: Series,
  range: TimeRange,
): AsyncIterable<Map<number, Record<string, number>>> {
  const todo = [range]
  for (let next = todo.pop(); next !== undefined; next = todo.pop())
    if (rangeLength(next) > 1 && !(await fitsPage(question, series, next))) todo.push(...halveRange(next).toReversed())
    else yield await page(question, series, next)
}

/** A rough count, since it leaves out the last seconds (-search.latencyOffset); what cannot be counted is too much. */
async function fitsPage({ ask, signal }: Question, series: Series, range: TimeRange): Promise<boolean> {
  const query = `sum(count_over_time(${selector(series)}[${rangeLength(range)}ms]))`
  const path = `/api/v1/query?${queryText({ query, time: seconds(range.until) })}`
  const answer = await ask({ method: 'GET', path }, signal)
  if (answer.status !== 200) return false
  const { data } = JSON.parse(answer.body) as { data: { result: { value: [number, string] }[] } }
  return Number(data.result[0]?.value[1] ?? 0) <= pageSamples
}

async function page(
  { ask, place, signal }: Question,
  series: Series,
  { after, until }: TimeRange,
): Promise<Map<number, Record<string, number>>> {
  const prefix = `${spelling.measurement(series.measurement)}_`
  // start and end are both included, in seconds: what is left out of (after, until] is the first millisecond.
  const path = `/api/v1/export?${queryText({ 'match[]': selector(series), start: seconds(after + 1), end: seconds(until) })}`
  const answer = await ask({ method: 'GET', path }, signal)
  if (answer.status !== 200) throw unreadable(place, answer)
  const points = new Map<number, Record<string, number>>()
  for (const text of answer.body.split('\n')) {
    if (text === '') continue
    const { metric, values, timestamps }: ExportedLine = JSON.parse(text)
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

function selector({ measurement, tags }: Series): string {
  const conditions = [...tags].map(([key, value]) => `${labelName(key)}=${quote(spelling.value(value))}`)
  return `{${[`__name__=~${quote(`${escapeRegExp(spelling.measurement(measurement))}_.+`)}`, ...conditions].join(',')}}`
}

/** In a selector, what is no letter, digit or underscore is escaped with a backslash. */
function labelName(key: string): string {
  return spelling.key(key).replace(/[^\p{L}\p{N}_:.]/gu, '\\$&')
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
