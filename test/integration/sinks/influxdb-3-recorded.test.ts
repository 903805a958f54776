import { afterAll, beforeAll, expect, it } from 'vitest'
import { type InfluxDb3, openInfluxDb3 } from '../../support/influxdb-3.ts'
import { recordedExchanges } from '../../support/recordings.ts'

/** Bodies that are recorded in short. */
const inFull: Readonly<Record<string, string>> = {
  'wide f0=1,…,f500=1': `wide ${Array.from({ length: 501 }, (_, i) => `f${i}=1`).join()}`,
  '300,000 lines, 12 MB': 'm,device=a value=1 1764547200000000000\n'.repeat(300_000),
}

/** What the sink never asks, and the stand-in does not answer. */
const notOfTheSink: Readonly<Record<string, string>> = {
  'a database gets a retention': 'set by the administrator',
  'a database gets a retention (update)': 'set by the administrator',
  'SQL: databases with their retention': 'asked by InfluxQL',
  'SQL: the same as csv': 'jsonl alone is exact',
  'SQL: the same as json': 'jsonl alone is asked for',
  'InfluxQL: count by series': 'counted by SQL',
  'InfluxQL: texts and two fields': 'read by SQL',
  'InfluxQL: mean by time, as Grafana asks': 'a question of Grafana',
  'SQL: the same series and time written twice, at once': 'either value may be seen: the stand-in shows the first',
  'SQL: how many files there are': 'the stand-in has no files',
}

let server: InfluxDb3
beforeAll(async () => {
  server = await openInfluxDb3()
  server.deletedAt = () => '20261128T080335'
})
afterAll(() => server.close())

const exchanges = recordedExchanges('influxdb-3')

it.each(
  exchanges.filter(({ title }) => !(title in notOfTheSink)).map(exchange => [exchange.title, exchange] as const),
)('the stand-in of InfluxDB 3 answers as the real one: %s', (title, { request, response }) => {
  prepare(title)
  const { body = '' } = request
  const { status, body: text, type } = server.answer({ ...request, body: inFull[body] ?? body })
  expect({ status, text, type }).toEqual({
    status: response.status,
    text: response.body,
    type: response.headers['content-type'],
  })
})

/** What was done to the real server between two recorded exchanges. */
function prepare(title: string): void {
  if (title === 'write_lp: a sixth database')
    for (const name of ['two', 'three', 'four', 'five']) server.createDatabase(name)
  if (title === 'write_lp: older than the retention') {
    // its two lines are 40 days and an hour old at the time of the recording
    server.createDatabase('two', Date.now() - Date.parse('2026-11-18T08:00:00Z'))
  }
  if (title === 'InfluxQL: SHOW RETENTION POLICIES') server.createDatabase('two', 240 * 3_600_000)
  // the last three were given by another server
  if (title.startsWith('SQL: more files')) {
    server.needsToken = false
    const lines = Array.from({ length: 21 }, (_, i) => `f value=${i} ${1_764_547_200 + i}000000000`)
    server.answer({ method: 'POST', path: '/api/v3/write_lp?db=lab', body: lines.join('\n') })
    server.fileLimit = 20
  }
  if (title !== 'SQL: texts, two fields, tags (jsonl)') return
  const lines = [
    'n,device=a text="a\nb" 1764547200000000000',
    'n,device=a text="" 1764547260000000000',
    'n,device=a text="c\r\nd" 1764547320000000000',
    'n,device=a text="q\\"uo,te \\\\ x" 1764547380000000000',
    'n,device=a text="both",value=0.1 1764547440000000000',
    'n,device=a,extra=x value=7 1764547500000000000',
    'n,device=a value=1.7976931348623157e308 1764547560000000000',
    'n,device=a value=5e-324 1764547620000000000',
    'n,device=b on=T 1764547200123456789',
  ]
  const path = '/api/v3/write_lp?db=lab&precision=nanosecond'
  server.answer({ method: 'POST', path, token: server.token, body: lines.join('\n') })
}
