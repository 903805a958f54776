import type { Failure } from '../../domain/failure.ts'
import { retryAfterMs } from '../../domain/retry-after.ts'
import { type TlsTrouble, tlsTrouble, tlsTroubleText } from '../../domain/tls-trouble.ts'
import { sinkFailure } from '../failures.ts'
import type { Outcome } from './connection.ts'
import type { DialectName, Endpoint } from './endpoint.ts'
import { allOrSome, linesListed, linesQuoted, listIn, oldestLines, type RefusedLines, short } from './refused-lines.ts'

/** What an answer to a write means for the lines in it. */
export type WriteResponse =
  | { readonly act: 'stored' }
  | { readonly act: 'refused'; readonly lines: RefusedLines }
  | { readonly act: 'too-large' }
  /** Unknown outcome, or busy: the same lines again, not before `afterMs`. `fewer`: where it happens again, fewer of them. */
  | { readonly act: 'wait'; readonly reason: string; readonly afterMs: number | undefined; readonly fewer: boolean }
  | { readonly act: 'stop'; readonly failure: Failure }

export interface SentWrite {
  readonly dialect: DialectName
  readonly endpoint: Endpoint
  readonly lines: readonly string[]
  /** ms, for a Retry-After that is a date. */
  readonly now: number
}

/** The one place that reads what a database says of a write. Each row is taken from an answer of a real server. */
export function writeResponse(outcome: Outcome, sent: SentWrite): WriteResponse {
  const { endpoint, lines, dialect } = sent
  if (outcome.status === undefined) return withoutAnswer(outcome.code, outcome.detail, endpoint)
  const { status, headers, body } = outcome
  if (status === 204) return { act: 'stored' }
  if (status === 413) return { act: 'too-large' }
  const text = messageIn(status, body)
  // 1.6.7 says 500 to a retention policy that it does not have: waiting will not create it.
  if (status === 500 && /^retention policy not found/.test(text)) return stop(missing(endpoint, status, text))
  if (status === 201 || status === 400 || status === 422) {
    const known = knownRefusal(text, body, sent)
    if (known !== undefined) return known
    // InfluxDB 3 names each bad line: what it refuses without a name is the request, and no line's fault.
    if (dialect === 'influxdb-3' && status !== 201 && listIn(body).length === 0)
      return stop(sinkFailure('sink-refuses', said(endpoint, status, text), { retry: 'later', advice: noLineNamed }))
    return { act: 'refused', lines: allOrSome(text, lines.length) }
  }
  if (status === 408 || status === 425 || status === 429 || status >= 500)
    return {
      act: 'wait',
      reason: `${status} ${short(text)}${shardAdvice(text)}`,
      afterMs: retryAfterMs(headers['retry-after'], sent.now),
      fewer: /\btimeout$/.test(text),
    }
  return stop(statusFailure(endpoint, status, text))
}

const noLineNamed =
  'The database refused the whole request and named no line. Nothing was dropped; it is tried again later.'

function stop(failure: Failure): WriteResponse {
  return { act: 'stop', failure }
}

/** The answers to a refused write that say more than that some line is bad. */
function knownRefusal(text: string, body: string, { endpoint, lines }: SentWrite): WriteResponse | undefined {
  const listed = listIn(body)
  for (const message of [text, ...listed.map(({ error_message }) => error_message)]) {
    if (typeof message !== 'string') continue
    const rule = rules.find(({ pattern }) => pattern.test(message))
    if (rule === undefined) continue
    if (rule.code === 'wait') return { act: 'wait', reason: short(message), afterMs: undefined, fewer: false }
    return stop(sinkFailure(rule.code, `${endpoint.label}: ${short(message)}`, { advice: rule.advice(endpoint) }))
  }
  const refused = linesListed(listed, lines) ?? linesQuoted(text, lines) ?? oldestLines(text)
  return refused === undefined ? undefined : { act: 'refused', lines: refused }
}

interface Rule {
  readonly pattern: RegExp
  readonly code: 'wait' | 'sink-denied' | 'sink-full' | 'sink-missing' | 'sink-refuses'
  readonly advice: (endpoint: Endpoint) => string
}

const before = '^(?:write buffer error: )?(?:line protocol parse failed: )?(?:catalog update error: )?'

/** What InfluxDB 3 answers with 400 or 422 although no line is bad (3.10.1). Nothing of it may become a dead letter. */
const rules: readonly Rule[] = [
  {
    pattern: new RegExp(`${before}(?:error from (?:wal|persister)|object store error|wal buffer full|wal is shutdown)`),
    code: 'wait',
    advice: () => '',
  },
  {
    pattern: /^Authorization header was malformed/,
    code: 'sink-denied',
    advice: () => 'Check the token: it must be one word without blanks.',
  },
  {
    pattern: new RegExp(`${before}Adding a new database would exceed`),
    code: 'sink-missing',
    advice: ({ name }) =>
      `The server takes no more databases: delete one that is not needed, or write to an existing one in place of ${name}.`,
  },
  {
    pattern: new RegExp(`${before}Update to schema would exceed number of`),
    code: 'sink-full',
    advice: () =>
      'Give some datapoints another measurement: a table holds 500 columns (tags and fields), and columns are never given back.',
  },
  {
    pattern: new RegExp(`${before}(?:invalid character in database|namespace name|db name)`),
    code: 'sink-missing',
    advice: () => 'Choose a name of ASCII letters, digits, "_" and "-" that begins with a letter or digit.',
  },
  {
    pattern: new RegExp(
      `${before}(?:serde error|missing query parameter|missing bucket value|no db destination|unacceptable content-encoding|body content is not valid utf8|failed to deserialize|error decoding gzip)`,
    ),
    code: 'sink-refuses',
    advice: () => 'The request does not arrive as it was sent: is there a proxy that changes it?',
  },
]

/** The whole text for a person, in whichever of the four forms the database chose. */
export function messageIn(status: number, body: string): string {
  try {
    const { message, error }: { error?: unknown; message?: unknown } = JSON.parse(body)
    const text = message ?? error
    if (typeof text === 'string' && text !== '') return text
  } catch {}
  return body.trim() || `HTTP ${status}`
}

/** Measured on 2.x: there may be room again, and the shard stays closed. */
function shardAdvice(text: string): string {
  return /opening shard previously failed/.test(text) ? ' (restart the database: it opens this shard only then)' : ''
}

function said({ label }: Endpoint, status: number, text: string): string {
  return `${label}: ${status} ${short(text)}`
}

/** For a status that no database gives to a request that it understands and allows. */
export function statusFailure(endpoint: Endpoint, status: number, text: string): Failure {
  if (status === 404) return missing(endpoint, status, text)
  if (status !== 401 && status !== 403) {
    const advice = `Check the URL ${endpoint.url}: what answers there is not the write API of InfluxDB.`
    return sinkFailure('sink-refuses', said(endpoint, status, text), { advice })
  }
  const login = endpoint.api === 1 ? 'user name and password' : 'token'
  return sinkFailure('sink-denied', said(endpoint, status, text), {
    advice: `Check the ${login}: it must be allowed to write to ${endpoint.name}.`,
  })
}

function missing(endpoint: Endpoint, status: number, text: string): Failure {
  return sinkFailure('sink-missing', said(endpoint, status, text), { advice: missingAdvice(endpoint, text) })
}

function missingAdvice({ name, org, retentionPolicy, api }: Endpoint, text: string): string {
  if (/retention policy/.test(text))
    return `Create it (CREATE RETENTION POLICY "${retentionPolicy}" ON "${name}" DURATION INF REPLICATION 1) or correct its name in the configuration.`
  if (/organization/.test(text)) return `Correct the organization (org: ${org}) in the configuration.`
  if (/dbrp mapping/.test(text))
    return `This is InfluxDB 2: set version: 2 with org and bucket, or map the database (influx v1 dbrp create --db ${name}).`
  if (api === 3)
    return `Create the database (influxdb3 create database ${name}) or correct its name in the configuration.`
  return api === 1
    ? `Create the database (CREATE DATABASE "${name}") or correct its name in the configuration.`
    : `Create the bucket ${name} (influx bucket create -n ${name}) or correct bucket and org in the configuration.`
}

/** After these the request may have been too much for the database. */
const cutOff = new Set(['TIMEOUT', 'ECONNRESET', 'CUT'])

const caAdvice = "Give the certificate of the database's authority as ca."

const tlsAdvice: Readonly<Record<TlsTrouble, string>> = {
  'self-signed': 'Give the certificate of the database itself as ca.',
  'unknown-authority': caAdvice,
  'other-name': 'Use the host name in url that the certificate is for.',
  expired: 'Renew the certificate of the database, and check the clock of this machine.',
  'not-yet-valid': 'Check the clock of this machine, and that of the machine where the certificate was made.',
  'bad-certificate': caAdvice,
  'no-tls': 'The server speaks no TLS at this port, or no version from 1.2 on: is it http:// rather than https://?',
  incompatible: 'This program takes TLS 1.2 and 1.3: update the server, or put a proxy in front of it.',
  'wants-certificate': 'Let the server ask for no certificate of the client: use a login or token.',
}

/** What this machine says of itself, with what to do. */
const ownTroubles: Readonly<Record<string, string>> = {
  EMFILE: 'this process may open no more files and sockets: raise the limit ("ulimit -n 1024", LimitNOFILE=1024)',
  ENFILE: 'this machine can open no more files and sockets: raise its limit',
  EACCES: 'this machine does not let the program connect: check its firewall',
  EPERM: 'this machine does not let the program connect: check its firewall',
}

/** A certificate does not become trusted by waiting. */
function withoutAnswer(code: string, detail: string, { label }: Endpoint): WriteResponse {
  const trouble = tlsTrouble(code)
  if (trouble === undefined)
    return {
      act: 'wait',
      reason: `${code}: ${ownTroubles[code] ?? detail}`,
      afterMs: undefined,
      fewer: cutOff.has(code),
    }
  const message = `${label}: ${tlsTroubleText[trouble]} (${code})`
  return stop(sinkFailure('sink-tls', message, { advice: tlsAdvice[trouble] }))
}
