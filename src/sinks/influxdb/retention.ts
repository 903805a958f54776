import { z } from 'zod'
import { sinkFailure } from '../failures.ts'
import { queryText } from './endpoint.ts'
import { influxqlRows, quoteName } from './influxql.ts'
import { jsonOf, type QueryContext } from './query.ts'
import { short } from './refused-lines.ts'
import { messageIn } from './write-response.ts'

export interface Retention {
  /** Undefined: for ever, or unknown (then a warning says so). */
  readonly retentionMs: number | undefined
  /** How far in the future points may be; undefined: the database says what is too far. */
  readonly aheadMs?: number | undefined
  readonly warnings: readonly string[]
}

/** InfluxDB 1.x and 3.x: the policy that is written to. Throws a Failure if it does not exist. */
export async function policyRetention(context: QueryContext): Promise<Retention> {
  const { label, name, retentionPolicy } = context.endpoint
  const policies = await influxqlRows(context, `SHOW RETENTION POLICIES ON ${quoteName(name)}`).catch(error => {
    if (sinkFailure.is(error, 'sink-unreadable')) return undefined
    throw error
  })
  if (policies === undefined) return unknownRetention('the login may not see the retention policies')
  const rows = policies.flatMap(({ columns, values }) =>
    values.map(row => Object.fromEntries(columns.map((column, i) => [column, row[i]]))),
  )
  const policy = rows.find(row =>
    retentionPolicy === undefined ? row['default'] === true : row['name'] === retentionPolicy,
  )
  if (policy === undefined)
    throw sinkFailure('sink-missing', `${label}: there is no retention policy ${retentionPolicy ?? 'by default'}`, {
      advice: `Use one of ${rows.map(row => row['name']).join(', ')}, or create it.`,
    })
  return { retentionMs: durationMs(String(policy['duration'])), warnings: [] }
}

const bucket = z.object({
  id: z.string(),
  name: z.string(),
  retentionRules: z.array(z.object({ everySeconds: z.number() })),
})

type Bucket = z.infer<typeof bucket>

const bucketList = z.object({ buckets: z.array(bucket) })

const isId = (text: string) => /^[0-9a-f]{16}$/.test(text)

/** InfluxDB 2.x: what it tells of the bucket, or why it tells nothing. */
export async function askBucket(context: QueryContext, by: 'name' | 'id' = 'name'): Promise<Bucket | string> {
  const { query, signal } = context
  const { org = '', name } = context.endpoint
  const path = `/api/v2/buckets?${queryText({ [isId(org) ? 'orgID' : 'org']: org, [by]: name })}`
  const answer = await query({ method: 'GET', path }, signal)
  if (answer.status !== 200) return short(messageIn(answer.status, answer.body))
  const found = bucketList.safeParse(jsonOf(answer.body))
  if (!found.success) return 'the answer is not that of InfluxDB 2'
  return found.data.buckets[0] ?? 'the token does not see the bucket'
}

/** InfluxDB 2.x: the bucket's first rule. A token that may only write sees no buckets. Throws for the id of a bucket. */
export async function bucketRetention(context: QueryContext): Promise<Retention> {
  const bucket = await askBucket(context)
  if (typeof bucket !== 'string') {
    const seconds = bucket.retentionRules[0]?.everySeconds ?? 0
    return { retentionMs: seconds === 0 ? undefined : seconds * 1000, warnings: [] }
  }
  const { label, name } = context.endpoint
  const meant = isId(name) ? await askBucket(context, 'id') : ''
  if (typeof meant === 'string') return unknownRetention(bucket)
  throw sinkFailure(
    'sink-missing',
    `${label}: ${name} is the id of the bucket ${meant.name}: it can be written to, but not read back`,
    {
      advice: `Give its name: bucket: ${meant.name}.`,
    },
  )
}

export function unknownRetention(why: string): Retention {
  return {
    retentionMs: undefined,
    warnings: [`How long the database keeps points is not known: ${why.replace(/\.$/, '')}.`],
  }
}

/** Go's notation, `168h0m0s`; 0 is for ever. */
function durationMs(text: string): number | undefined {
  const unit = { h: 3_600_000, m: 60_000, s: 1000 } as const
  let ms = 0
  for (const [, digits, letter] of text.matchAll(/(\d+(?:\.\d+)?)([hms])/g)) ms += Number(digits) * unit[letter as 'h']
  return ms === 0 ? undefined : ms
}
