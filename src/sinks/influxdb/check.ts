import type { Clock } from '../../domain/clock.ts'
import { Failure } from '../../domain/failure.ts'
import type { SinkReport } from '../sink.ts'
import type { Connection, HttpRequest, Outcome } from './connection.ts'
import { type Place, queryText } from './place.ts'
import { judge, reasonOf } from './verdict.ts'

type Answer = Extract<Outcome, { status: number }>

/** However long the timeout of writes is: somebody is looking at the screen. */
const checkTimeoutMs = 10_000

/** Reachable, may write, how long it keeps. Two tries, then a Failure: a check does not wait for better times. */
export async function checkInflux(
  { connection, place, clock }: { connection: Connection; place: Place; clock: Clock },
  signal: AbortSignal,
): Promise<SinkReport> {
  const soon = AbortSignal.any([signal, AbortSignal.timeout(checkTimeoutMs)])
  async function ask(request: HttpRequest): Promise<Answer> {
    let last = 'no answer'
    for (let attempt = 0; attempt < 2; attempt++) {
      try {
        const outcome = await connection.send(request, soon)
        if (outcome.status !== undefined) return outcome
        const verdict = judge(outcome, [], place, clock.now())
        if (verdict.act === 'stop') throw verdict.failure
        last = outcome.detail
      } catch (error) {
        signal.throwIfAborted()
        if (!soon.aborted) throw error
        break
      }
    }
    throw new Failure(`${place.label} is not reachable: ${last}`, {
      code: 'sink-unreachable',
      retry: 'later',
      reach: 'sink',
      advice: `Is the database running, and is ${place.url} its address as seen from this machine?`,
    })
  }

  const ping = await ask({ method: 'GET', path: '/ping' })
  // Without a line in it: asks for the right to write, and changes nothing (204 on 1.6.7).
  const probe = judge(await ask({ method: 'POST', path: place.writePath }), [], place, clock.now())
  if (probe.act === 'stop') throw probe.failure
  if (probe.act === 'wait')
    throw new Failure(`${place.label} is busy: ${probe.reason}`, {
      code: 'sink-busy',
      retry: 'later',
      reach: 'sink',
      advice: 'Look into the log of the database.',
    })
  const version = headerText(ping, 'x-influxdb-version')?.replace(/^v/, '')
  const warnings: string[] = []
  const retentionMs = await retention(ask, place, warnings)
  return { kind: kindOf(version), version, retentionMs, warnings }
}

function kindOf(version: string | undefined): string {
  const major = version?.split('.')[0]
  return major === undefined ? 'influxdb' : `influxdb ${major}.x`
}

async function retention(
  ask: (request: HttpRequest) => Promise<Answer>,
  place: Place,
  warnings: string[],
): Promise<number | undefined> {
  const answer = await ask(
    place.api === 1
      ? { method: 'GET', path: `/query?${queryText({ q: `SHOW RETENTION POLICIES ON "${identifier(place.name)}"` })}` }
      : { method: 'GET', path: `/api/v2/buckets?${queryText({ org: place.org, name: place.name })}` },
  )
  try {
    if (answer.status === 200)
      return place.api === 1 ? policyMs(JSON.parse(answer.body), place) : bucketMs(JSON.parse(answer.body))
  } catch (error) {
    if (error instanceof Failure) throw error
  }
  warnings.push(`How long the database keeps points could not be read: ${reasonOf(answer.status, answer.body)}`)
  return undefined
}

function policyMs(answer: unknown, place: Place): number | undefined {
  const { results } = answer as {
    results: [{ series?: [{ columns: string[]; values: (string | boolean)[][] }]; error?: string }]
  }
  const [result] = results
  if (result.series === undefined) throw new Error(result.error)
  const { columns, values } = result.series[0]
  const column = (name: string) => columns.indexOf(name)
  const policy = values.find(row =>
    place.retentionPolicy === undefined
      ? row[column('default')] === true
      : row[column('name')] === place.retentionPolicy,
  )
  if (policy === undefined)
    throw new Failure(`${place.label}: there is no retention policy ${place.retentionPolicy ?? 'by default'}`, {
      code: 'sink-missing',
      retry: 'never',
      reach: 'sink',
      advice: `Use one of ${values.map(row => row[column('name')]).join(', ')}, or create it.`,
    })
  return durationMs(String(policy[column('duration')]))
}

function bucketMs(answer: unknown): number | undefined {
  const { buckets } = answer as { buckets: [{ retentionRules: { everySeconds: number }[] }] }
  const seconds = buckets[0].retentionRules[0]?.everySeconds ?? 0
  return seconds === 0 ? undefined : seconds * 1000
}

/** Go's notation, `168h0m0s`; 0 is for ever. */
function durationMs(text: string): number | undefined {
  const unit = { h: 3_600_000, m: 60_000, s: 1000 } as const
  let ms = 0
  for (const [, digits, letter] of text.matchAll(/(\d+(?:\.\d+)?)([hms])/g)) ms += Number(digits) * unit[letter as 'h']
  return ms === 0 ? undefined : ms
}

function identifier(name: string): string {
  return name.replace(/["\\]/g, '\\$&')
}

function headerText({ headers }: Answer, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'string' ? value : undefined
}
