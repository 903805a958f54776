import { Failure } from '../../domain/failure.ts'
import { queryText } from './endpoint.ts'
import { influxqlRows, quoteName } from './influxql.ts'
import type { QueryContext } from './query.ts'
import { reasonOf } from './write-response.ts'

export interface Retention {
  /** Undefined: for ever, or unknown (then a warning says so). */
  readonly retentionMs: number | undefined
  /** How far in the future points may be; undefined: the database says what is too far. */
  readonly aheadMs?: number
  readonly warnings: readonly string[]
}

/** InfluxDB 1.x: the policy that is written to. Throws a Failure if it does not exist. */
export async function policyRetention(context: QueryContext): Promise<Retention> {
  const { endpoint } = context
  const policies = await influxqlRows(context, `SHOW RETENTION POLICIES ON ${quoteName(endpoint.name)}`).catch(
    error => {
      if (error instanceof Failure && error.code === 'sink-unreadable') return undefined
      throw error
    },
  )
  if (policies === undefined) return unknown('the login may not see the retention policies')
  const rows = policies.flatMap(({ columns, values }) =>
    values.map(row => Object.fromEntries(columns.map((column, i) => [column, row[i]]))),
  )
  const policy = rows.find(row =>
    endpoint.retentionPolicy === undefined ? row['default'] === true : row['name'] === endpoint.retentionPolicy,
  )
  if (policy === undefined)
    throw new Failure(`${endpoint.label}: there is no retention policy ${endpoint.retentionPolicy ?? 'by default'}`, {
      code: 'sink-missing',
      retry: 'never',
      reach: 'sink',
      advice: `Use one of ${rows.map(row => row['name']).join(', ')}, or create it.`,
    })
  return { retentionMs: durationMs(String(policy['duration'])), warnings: [] }
}

/** InfluxDB 2.x: the bucket's first rule. A token that may only write sees no buckets. */
export async function bucketRetention({ ask, endpoint, signal }: QueryContext): Promise<Retention> {
  const path = `/api/v2/buckets?${queryText({ org: endpoint.org, name: endpoint.name })}`
  const answer = await ask({ method: 'GET', path }, signal)
  if (answer.status !== 200) return unknown(reasonOf(answer.status, answer.body))
  try {
    const { buckets } = JSON.parse(answer.body) as { buckets: [{ retentionRules: { everySeconds: number }[] }] }
    const seconds = buckets[0].retentionRules[0]?.everySeconds ?? 0
    return { retentionMs: seconds === 0 ? undefined : seconds * 1000, warnings: [] }
  } catch {
    return unknown('the token does not see the bucket')
  }
}

/** What VictoriaMetrics takes unless it is told otherwise: until 1.8x it cannot be told. */
const victoriaAheadMs = 2 * 86_400_000

/** VictoriaMetrics: its own command line, among its metrics (1.79). What is beyond either end vanishes without a word. */
export async function flaggedRetention({ ask, signal }: QueryContext): Promise<Retention> {
  const { status, body } = await ask({ method: 'GET', path: '/metrics' }, signal)
  const flag = (name: string) => new RegExp(`^flag\\{name="${name}", value="([^"]*)"`, 'm').exec(body)?.[1]
  const period = flag('retentionPeriod')
  const ahead = flag('futureRetention')
  const aheadMs = (ahead === undefined ? undefined : periodMs(ahead)) ?? victoriaAheadMs
  if (status !== 200 || period === undefined)
    return { ...unknown('VictoriaMetrics does not show its flags at /metrics'), aheadMs }
  const dedup = flag('dedup\\.minScrapeInterval')
  return {
    retentionMs: periodMs(period),
    aheadMs,
    warnings:
      dedup !== undefined && /^0[a-z]*$/.test(dedup)
        ? ['VictoriaMetrics keeps what is written twice twice: start it with -dedup.minScrapeInterval=1ms.']
        : [],
  }
}

function unknown(why: string): Retention {
  return { retentionMs: undefined, warnings: [`How long the database keeps points is not known: ${why}.`] }
}

/** Go's notation, `168h0m0s`; 0 is for ever. */
function durationMs(text: string): number | undefined {
  const unit = { h: 3_600_000, m: 60_000, s: 1000 } as const
  let ms = 0
  for (const [, digits, letter] of text.matchAll(/(\d+(?:\.\d+)?)([hms])/g)) ms += Number(digits) * unit[letter as 'h']
  return ms === 0 ? undefined : ms
}

/** VictoriaMetrics' notation: `100y`, `30d`; without a unit it means months of 31 days. */
function periodMs(text: string): number | undefined {
  const day = 86_400_000
  const unit = { h: day / 24, d: day, w: 7 * day, y: 365 * day, '': 31 * day } as const
  const [, digits, letter] = /^(\d+(?:\.\d+)?)([hdwy]?)$/.exec(text) ?? []
  return digits === undefined ? undefined : Number(digits) * unit[letter as '']
}
