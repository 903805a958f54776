import { z } from 'zod'
import type { Series } from '../../domain/point.ts'
import { sinkFailure } from '../failures.ts'
import { measurementName, nameable, nameText, spellingWithoutBackslash as victoria } from '../line-protocol/names.ts'
import { queryText } from './endpoint.ts'
import { influxqlRows, quoteName, quoteText } from './influxql.ts'
import { type Answer, parseAnswer, type QueryContext } from './query.ts'
import { seriesSelector } from './victoria-metrics.ts'
import { messageIn, statusFailure } from './write-response.ts'

/** Removes all points of one series, and of no other, from the database. Throws a Failure. */
export type ForgetSeries = (context: QueryContext, series: Series) => Promise<void>

/** A series with more tags matches as well, unless it is said that it has none of those. */
export const forgetByInfluxql: ForgetSeries = async (context, { measurement, tags }) => {
  const { query, endpoint, signal } = context
  const from = quoteName(measurementName(measurement))
  const names = new Set([...tags.keys()].map(nameText))
  const known = (await influxqlRows(context, `SHOW TAG KEYS FROM ${from}`)).flatMap(({ values }) => values.flat())
  const others = known.map(String).filter(key => !names.has(key))
  const conditions = [...conditionsOf(tags), ...others.map(key => `${quoteName(key)} = ''`)]
  const q = `DROP SERIES FROM ${from} WHERE ${conditions.join(' AND ')}`
  const answer = await query({ method: 'POST', path: `/query?${queryText({ db: endpoint.name, q })}` }, signal)
  const { results } = parseAnswer(statementResults, endpoint, answer)
  const error = results.find(result => result.error !== undefined)?.error
  if (error !== undefined) throw refused(context, { ...answer, body: error })
}

const statementResults = z.object({ results: z.array(z.object({ error: z.string().optional() })) })

/** It has no way to say that a series has no more tags: series that have more would be removed too. */
export const forgetByDelete: ForgetSeries = async (context, series) => {
  const { query, endpoint, signal } = context
  const { measurement, tags } = series
  const from = quoteName(measurementName(measurement))
  const held = await influxqlRows(
    context,
    `SELECT count(*::field) FROM ${from} WHERE ${conditionsOf(tags).join(' AND ')} GROUP BY *`,
  )
  const others = held.filter(row => Object.values(row.tags ?? {}).filter(value => value !== '').length > tags.size)
  if (others.length > 0)
    throw sinkFailure(
      'sink-keeps-series',
      `${endpoint.label} cannot remove the series of ${measurement} by itself: ${others.length} series with more tags would be removed with it`,
      {
        advice:
          'Remove both and let the newer one be fetched again: "smartserver-etl forget --all --datapoint …". Next time, "forget" before the first run after "rule remap".',
      },
    )
  const predicate = [`_measurement=${quoteName(measurementName(measurement))}`]
  for (const [key, value] of tags) predicate.push(`${quoteName(nameText(key))}=${quoteName(nameable(value))}`)
  const path = `/api/v2/delete?${queryText({ org: endpoint.org ?? '', bucket: endpoint.name })}`
  const body = JSON.stringify({ ...allTime, predicate: predicate.join(' AND ') })
  const answer = await query({ method: 'POST', path, body, headers: { 'content-type': 'application/json' } }, signal)
  if (answer.status !== 204) throw refused(context, answer)
}

const allTime = { start: '1677-09-22T00:00:00Z', stop: '2262-04-11T00:00:00Z' }

export const forgetByVictoria: ForgetSeries = async (context, series) => {
  const { query, endpoint, signal, measurements } = context
  const selector = seriesSelector(series, measurements)
  // a start of 0 means the default, which leaves out what is old (measured on 1.79)
  const everything = queryText({ 'match[]': selector, start: '1', end: '4102444800' })
  const found = await query({ method: 'GET', path: `/api/v1/series?${everything}` }, signal)
  const { data } = parseAnswer(seriesList, endpoint, found)
  const names = new Set(['__name__', 'db', ...[...series.tags.keys()].map(victoria.key)])
  const more = new Set(data.flatMap(labels => Object.keys(labels)).filter(label => !names.has(label)))
  const exact = seriesSelector(series, measurements, [...more])
  const path = `/api/v1/admin/tsdb/delete_series?${queryText({ 'match[]': exact })}`
  const answer = await query({ method: 'POST', path }, signal)
  if (answer.status !== 204) throw refused(context, answer)
}

const seriesList = z.object({ data: z.array(z.record(z.string(), z.string())) })

export const forgetNothing: ForgetSeries = async ({ endpoint }, { measurement }) => {
  throw sinkFailure('sink-keeps-series', `${endpoint.label} cannot remove a series of ${measurement}`, {
    advice:
      'InfluxDB 3 removes whole tables alone (DELETE /api/v3/configure/table?db=…&table=…&hard_delete_at=now): remove the table and run "verify --heal", or leave the points where they are.',
  })
}

function conditionsOf(tags: Series['tags']): string[] {
  return [...tags].map(([key, value]) => `${quoteName(nameText(key))} = ${quoteText(nameable(value))}`)
}

function refused({ endpoint }: QueryContext, { status, body }: Answer) {
  return statusFailure(endpoint, status, messageIn(status, body))
}
