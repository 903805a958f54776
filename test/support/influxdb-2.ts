import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { gunzipSync } from 'node:zlib'
import { openInfluxd } from './influxd.ts'
import type { Exchange } from './recordings.ts'

export interface BucketOptions {
  readonly id?: string | undefined
  readonly retentionSeconds?: number | undefined
  readonly createdAt?: string | undefined
  readonly updatedAt?: string | undefined
}

/** Names of buckets; `all`: those that are to come as well. */
export interface Rights {
  readonly read: readonly string[] | 'all'
  readonly write: readonly string[] | 'all'
}

interface Bucket {
  readonly id: string
  readonly name: string
  readonly retentionSeconds: number
  readonly createdAt: string
  readonly updatedAt: string
}

export interface InfluxDb2Answer {
  readonly status: number
  readonly type?: string | undefined
  /** What a 2.x puts into `x-platform-error-code`. */
  readonly code?: string | undefined
  readonly body: string
}

export interface InfluxDb2 {
  readonly url: string
  readonly org: { readonly name: string; readonly id: string }
  readonly requests: readonly string[]
  /** The moment that a retention is counted back from, in nanoseconds. */
  now: () => bigint
  grant(token: string, rights: Rights): void
  revoke(token: string): void
  createBucket(name: string, options?: BucketOptions): Promise<string>
  /** A bucket that is made again under its name has another id, and nothing in it. */
  deleteBucket(name: string): Promise<void>
  answer(request: Exchange['request']): Promise<InfluxDb2Answer>
  close(): Promise<void>
}

const jsonType = 'application/json; charset=utf-8'
/** Takes the lines first: a 2.x reads all of them before it stores one. */
const parser = 'parser'

function refusal(status: number, code: string, message: string): InfluxDb2Answer {
  return { status, code, type: jsonType, body: JSON.stringify({ code, message }) }
}

const unauthorized = refusal(401, 'unauthorized', 'unauthorized access')
const empty: InfluxDb2Answer = { status: 204, body: '' }

/**
 * InfluxDB 2.x over a real influxd 1.6.7, whose engine and InfluxQL it shares: each bucket is a database there. Tokens,
 * organizations, buckets and the texts of refusals are as a real 2.x was recorded to give them. It has no Flux.
 */
export async function openInfluxDb2(): Promise<InfluxDb2> {
  const influxd = await openInfluxd({ database: parser })
  const org = { name: 'site', id: 'ORG_ID____000001' }
  const buckets = new Map<string, Bucket>()
  const rights = new Map<string, Rights>()
  const requests: string[] = []
  let ids = 0

  const self: InfluxDb2 = {
    url: '',
    org,
    requests,
    now: () => BigInt(Date.now()) * 1_000_000n,
    grant: (token, granted) => rights.set(token, granted),
    revoke: token => rights.delete(token),
    async createBucket(name, { id = nextId(), retentionSeconds = 0, createdAt = text(), updatedAt = text() } = {}) {
      buckets.set(name, { id, name, retentionSeconds, createdAt, updatedAt })
      await influxd.queryText(`CREATE DATABASE "${id}"`)
      return id
    },
    async deleteBucket(name) {
      await influxd.queryText(`DROP DATABASE "${buckets.get(name)!.id}"`)
      buckets.delete(name)
    },
    answer,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
      await influxd.close()
    },
  }

  function nextId(): string {
    return (0x0a00_0000_0000_0000n + BigInt(++ids)).toString(16).padStart(16, '0')
  }

  async function answer({
    method,
    path,
    token,
    headers = {},
    body = '',
  }: Exchange['request']): Promise<InfluxDb2Answer> {
    const { pathname, searchParams } = new URL(path, 'http://x')
    requests.push(`${method} ${pathname}`)
    if (pathname === '/ping') return empty
    if (pathname === '/health') return { status: 200, type: jsonType, body: health }
    const granted = rights.get(token?.replace(/^(Bearer|Token) /, '') ?? searchParams.get('p') ?? '')
    if (granted === undefined) return unauthorized
    const given = (name: string) => searchParams.get(name) ?? ''
    if (pathname === '/api/v2/write' || pathname === '/write') {
      if (headers['content-encoding'] === 'gzip' && body === 'not gzip')
        return refusal(500, 'internal error', 'An internal error has occurred - check server logs')
      if (pathname === '/write') {
        const bucket = buckets.get(given('db'))
        return bucket === undefined ? refusal(404, 'not found', 'no dbrp mapping found') : write(bucket, granted, body)
      }
      if (![org.name, org.id].includes(given('org'))) return noOrganization(given('org'))
      const bucket = find(given('bucket'))
      if (bucket === undefined) return refusal(404, 'not found', `bucket "${given('bucket')}" not found`)
      return write(bucket, granted, body)
    }
    if (pathname === '/query') return influxql(given('db'), given('q') || body, granted)
    if (pathname === '/api/v2/buckets') return listBuckets(searchParams, granted)
    if (pathname === '/api/v2/delete') return remove(find(given('bucket'))!, body)
    return refusal(404, 'not found', 'path not found')
  }

  function find(nameOrId: string): Bucket | undefined {
    return buckets.get(nameOrId) ?? [...buckets.values()].find(({ id }) => id === nameOrId)
  }

  async function write(bucket: Bucket, granted: Rights, body: string): Promise<InfluxDb2Answer> {
    if (!isGranted(granted.write, bucket)) return refusal(403, 'forbidden', 'insufficient permissions for write')
    if (body === '') return empty
    const lines = linesOf(body)
    const unread = lines.find(line => /^(?:\\.|[^ ])*,time=/.test(line))
    if (unread !== undefined)
      return refusal(400, 'invalid', `unable to parse '${unread}': cannot use reserved tag key "time"`)
    const parsed = await influxd1(parser, body)
    await influxd.queryText('DROP SERIES FROM /.*/', parser)
    if (parsed?.includes('unable to parse'))
      return refusal(400, 'invalid', parsed.replace(/^partial write: /, '').replace(/ dropped=\d+$/, ''))
    const failure = (message: string) =>
      refusal(422, 'unprocessable entity', `failure writing points to database: partial write: ${message}`)
    const bound = self.now() - BigInt(bucket.retentionSeconds) * 1_000_000_000n
    const old = bucket.retentionSeconds === 0 ? [] : lines.filter(line => timeOf(line) < bound)
    const refused = await influxd1(bucket.id, lines.filter(line => !old.includes(line)).join('\n'))
    if (refused !== undefined) return failure(refused.replace(/^partial write: /, ''))
    return old.length === 0 ? empty : failure(tooOld(bucket, old, bound))
  }

  /** What influxd says is wrong. */
  async function influxd1(database: string, lines: string): Promise<string | undefined> {
    if (lines === '') return undefined
    const path = `${influxd.url}/write?db=${database}&precision=ns`
    const response = await fetch(path, { method: 'POST', body: lines })
    const said = await response.text()
    return response.ok ? undefined : (JSON.parse(said) as { error: string }).error
  }

  async function influxql(db: string, q: string, granted: Rights): Promise<InfluxDb2Answer> {
    const result = (it: object): InfluxDb2Answer => ({
      status: 200,
      type: 'application/json',
      body: `${JSON.stringify({ results: [{ statement_id: 0, ...it }] })}\n`,
    })
    if (/^CREATE DATABASE/.test(q)) return result({ error: 'not implemented: CREATE DATABASE' })
    const bucket = buckets.get(db)
    if (bucket === undefined || !isGranted(granted.read, bucket)) return result({ error: `database not found: ${db}` })
    const response = await fetch(`${influxd.url}/query`, {
      method: 'POST',
      body: new URLSearchParams({ db: bucket.id, epoch: 'ns', q }),
    })
    const body = await response.text()
    if (response.ok) return { status: 200, type: 'application/json', body }
    const { error } = JSON.parse(body) as { error: string }
    return refusal(400, 'invalid', error.replace('error parsing query', 'failed to parse query'))
  }

  function listBuckets(asked: URLSearchParams, granted: Rights): InfluxDb2Answer {
    const given = asked.get('org')
    const isOurs = given === null ? asked.get('orgID') === org.id : given === org.name
    if (!isOurs) {
      const message = `organization name "${given}" not found`
      return { ...refusal(404, 'not found', ''), body: tabbed({ code: 'not found', message }) }
    }
    const [name, id] = [asked.get('name'), asked.get('id')]
    const found = [...buckets.values()].filter(
      bucket => (name === null || bucket.name === name) && (id === null || bucket.id === id),
    )
    const owner = given === null ? `orgID=${asked.get('orgID')}` : `org=${given}`
    const wanted = id === null ? `bucket=${name}&descending=false` : `descending=false&id=${id}`
    return {
      status: 200,
      type: jsonType,
      body: tabbed({
        links: { self: `/api/v2/buckets?${wanted}&limit=20&offset=0&${owner}` },
        buckets: found.filter(bucket => isGranted(granted.read, bucket)).map(bucketJson),
      }),
    }
  }

  function bucketJson({ id, name, retentionSeconds, createdAt, updatedAt }: Bucket): object {
    const own = `/api/v2/buckets/${id}`
    const shardGroupDurationSeconds = retentionSeconds === 0 ? 604_800 : 86_400
    return {
      id,
      orgID: org.id,
      type: 'user',
      name,
      retentionRules: [{ type: 'expire', everySeconds: retentionSeconds, shardGroupDurationSeconds }],
      createdAt,
      updatedAt,
      links: {
        labels: `${own}/labels`,
        members: `${own}/members`,
        org: `/api/v2/orgs/${org.id}`,
        owners: `${own}/owners`,
        self: own,
        write: `/api/v2/write?org=${org.id}&bucket=${id}`,
      },
      labels: [],
    }
  }

  async function remove(bucket: Bucket, body: string): Promise<InfluxDb2Answer> {
    const { start, stop, predicate = '' } = JSON.parse(body) as { start: string; stop: string; predicate?: string }
    const terms = [...predicate.matchAll(/("?)((?:\\.|[^"=])+)\1\s*=\s*"((?:\\.|[^"\\])*)"(?: AND |$)/g)].map(
      ([, , key = '', value = '']) => [key, value.replace(/\\(.)/g, '$1')] as const,
    )
    const quote = (it: string) => `'${it.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
    const from = terms
      .filter(([key]) => key === '_measurement')
      .map(([, name]) => ` FROM "${name.replace(/["\\]/g, '\\$&')}"`)
    const tags = terms
      .filter(([key]) => key !== '_measurement')
      .map(([key, value]) => `"${key}" = ${quote(value)} AND `)
    await influxd.queryText(
      `DELETE${from.join('')} WHERE ${tags.join('')}time >= '${start}' AND time <= '${stop}'`,
      bucket.id,
    )
    return empty
  }

  const server = createServer(async (request, response) => {
    const { method = 'GET', url: path = '/' } = request
    const { status, code, type, body } = await answer({
      method,
      path,
      ...(request.headers.authorization === undefined ? {} : { token: request.headers.authorization }),
      body: await bodyOf(request),
    })
    response.setHeader('x-influxdb-build', 'OSS')
    response.setHeader('x-influxdb-version', 'dev')
    if (type !== undefined) response.setHeader('content-type', type)
    if (code !== undefined) response.setHeader('x-platform-error-code', code)
    response.writeHead(status).end(body)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port was given')
  return Object.assign(self, { url: `http://127.0.0.1:${address.port}` })
}

function isGranted(granted: readonly string[] | 'all', { name }: Bucket): boolean {
  return granted === 'all' || granted.includes(name)
}

function noOrganization(name: string): InfluxDb2Answer {
  return refusal(404, 'not found', `organization name "${name}" not found`)
}

function text(): string {
  return new Date().toISOString()
}

/** As Go writes it: tabs, and no `&`. */
function tabbed(it: object): string {
  return JSON.stringify(it, null, '\t').replaceAll('&', '\\u0026')
}

function linesOf(body: string): string[] {
  // a newline within quotes is part of a text
  return body.match(/(?:"(?:\\.|[^"\\])*"|[^\n"])+/g) ?? []
}

function timeOf(line: string): bigint {
  return BigInt(/ (-?\d+)$/.exec(line)?.[1] ?? Date.now() * 1_000_000)
}

function tooOld({ id, retentionSeconds }: Bucket, lines: readonly string[], bound: bigint): string {
  const sorted = lines.toSorted((a, b) => (timeOf(a) < timeOf(b) ? -1 : 1))
  const point = (line: string) =>
    `point ${/^(?:\\.|[^ ])*/.exec(line)?.[0]} at ${timeText(timeOf(line))} dropped because it violates a Retention Policy Lower Bound at ${timeText(bound)}`
  const duration = `${retentionSeconds / 3600}h0m0s`
  return `dropped ${lines.length} points outside retention policy of duration ${duration} - oldest ${point(sorted[0]!)}, newest ${point(sorted.at(-1)!)} dropped=${lines.length} for database: ${id} for retention policy: autogen`
}

/** As Go writes it: no zeros at the end. */
function timeText(ns: bigint): string {
  const whole = new Date(Number(ns / 1_000_000_000n) * 1000).toISOString().slice(0, 19)
  const rest = String(ns % 1_000_000_000n)
    .padStart(9, '0')
    .replace(/0+$/, '')
  return `${whole}${rest === '' ? '' : `.${rest}`}Z`
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  const bytes = Buffer.concat(chunks)
  return (request.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes).toString()
}

const health = `${JSON.stringify({
  name: 'influxdb',
  status: 'pass',
  message: 'healthy',
  checks: [
    ...['bolt', 'influxql', 'query', 'shards', 'sqlite'].map(name => ({ name, status: 'pass' })),
    { name: 'task-scheduler', status: 'pass', message: 'scheduler idle: no scheduled runs' },
  ],
  version: 'dev',
  commit: 'none',
})}\n`
