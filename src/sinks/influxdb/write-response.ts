import { Failure } from '../../domain/failure.ts'
import type { RefusalCode } from '../sink.ts'
import type { Outcome } from './connection.ts'
import type { Endpoint } from './endpoint.ts'

/** What an answer to a write means for the lines in it. */
export type WriteResponse =
  | { readonly act: 'done' }
  | Refused
  | { readonly act: 'halve' }
  /** Unknown outcome, or busy: the same lines again, not before `afterMs`. */
  | { readonly act: 'wait'; readonly reason: string; readonly afterMs: number | undefined; readonly timedOut: boolean }
  | { readonly act: 'stop'; readonly failure: Failure }

/** At least one line is bad. What is known besides spares requests; where nothing is, the batch is halved. */
export interface Refused {
  readonly act: 'refused'
  readonly code: RefusalCode
  readonly reason: string
  /** None of the lines is good. */
  readonly everyLine: boolean
  /** So many of the oldest lines were dropped. */
  readonly oldest: number | undefined
  readonly bad: BadLines | undefined
}

/** Position in the batch (from 0) → the database's own reason. */
export type BadLines = ReadonlyMap<number, string>

/** The one endpoint that reads what the database says (docs/databases.md). `now` in ms, for a Retry-After that is a date. */
export function interpret(outcome: Outcome, lines: readonly string[], endpoint: Endpoint, now: number): WriteResponse {
  if (outcome.status === undefined) {
    const failure = tlsFailure(outcome.code, outcome.detail, endpoint)
    return failure === undefined
      ? {
          act: 'wait',
          reason: `${outcome.code}: ${outcome.detail}`,
          afterMs: undefined,
          timedOut: outcome.code === 'TIMEOUT',
        }
      : { act: 'stop', failure }
  }
  const { status, headers, body } = outcome
  const reason = reasonOf(status, body)
  // 1.6.7 says 500 to a retention policy that it does not have: waiting will not create it.
  if (status === 500 && /retention policy not found/.test(reason))
    return { act: 'stop', failure: missing(endpoint, status, reason) }
  // Not 200: that is what a proxy or a login page says.
  if (status === 204) return { act: 'done' }
  if (status === 413) return { act: 'halve' }
  // 201: InfluxDB 3 took only a part of them.
  if (status === 201 || status === 400 || status === 422)
    return {
      act: 'refused',
      code: codeOf(reason),
      // Without the count: the reason of a line, and the same one for the same fault.
      reason: reason.replace(/ dropped=\d+$/, ''),
      everyLine: provesAllBad(reason, lines.length),
      oldest: beyondRetention(reason),
      bad: badLines(body, lines),
    }
  if (status === 408 || status === 425 || status === 429 || status >= 500)
    return {
      act: 'wait',
      reason: `${status} ${reason}`,
      afterMs: retryAfterMs(headers['retry-after'], now),
      timedOut: false,
    }
  return { act: 'stop', failure: statusFailure(endpoint, status, reason) }
}

/** The text a person can use, whichever of the four forms the database chose. */
export function reasonOf(status: number, body: string): string {
  try {
    const parsed: { error?: unknown; message?: unknown } = JSON.parse(body)
    const text = parsed.message ?? parsed.error
    if (typeof text === 'string' && text !== '') return text.slice(0, 500)
  } catch {}
  return body.trim().slice(0, 500) || `HTTP ${status}`
}

/**
 * The counts in these messages cannot be believed (a syntax error among good lines says dropped=0), but one thing can:
 * InfluxDB 1.x and 2.x count a point at most once, so that as many dropped as sent means all of them.
 * It spares thousands of requests when everything is older than the retention.
 */
function provesAllBad(reason: string, lines: number): boolean {
  const dropped = /^.*partial write: .*\bdropped=(\d+)$/s.exec(reason)?.[1]
  return dropped !== undefined && Number(dropped) >= lines
}

/**
 * For this message alone the count is exact, and it counts the oldest lines: the retention policy is applied before the
 * shards see anything. It must be believed, since the answer to a line depends on its company: one that is a little too
 * old is kept when a younger one of the batch opens its shard group, and dropped when it comes alone (measured on 1.6.7).
 */
function beyondRetention(reason: string): number | undefined {
  const dropped = /(?:^|: )partial write: points beyond retention policy dropped=(\d+)$/.exec(reason)?.[1]
  return Number(dropped ?? 0) || undefined
}

/** Counted apart, because each has a way out of its own. The wordings of 1.x, 2.x and 3.x. */
export function codeOf(reason: string): RefusalCode {
  if (/retention p(olicy|eriod)|outside (of )?retention|violates a Retention/i.test(reason)) return 'retention'
  if (/field type conflict|already exists as type|invalid (column|field value).*type|expected type/i.test(reason))
    return 'type'
  return /value out of range|time outside range/.test(reason) ? 'out-of-time' : 'refused'
}

/** InfluxDB 3 lists the bad lines with number and text. Used only where the text is ours: a wrong number must cost nothing. */
function badLines(body: string, lines: readonly string[]): BadLines | undefined {
  let list: unknown
  try {
    list = JSON.parse(body).data
  } catch {}
  if (!Array.isArray(list) || list.length === 0) return undefined
  const bad = new Map<number, string>()
  for (const { line_number, original_line, error_message } of list) {
    const position = Number(line_number) - 1
    const line = lines[position]
    if (line === undefined || typeof original_line !== 'string' || typeof error_message !== 'string') return undefined
    if (original_line === '' || !line.startsWith(original_line.replace(/(\.\.\.|…)$/, ''))) return undefined
    bad.set(position, error_message)
  }
  return bad
}

/** Seconds, or an HTTP date. */
export function retryAfterMs(header: string | readonly string[] | undefined, now: number): number | undefined {
  if (typeof header !== 'string' || header.trim() === '') return undefined
  const seconds = Number(header)
  const ms = Number.isNaN(seconds) ? Date.parse(header) - now : seconds * 1000
  return Number.isNaN(ms) ? undefined : Math.max(0, ms)
}

export function statusFailure(endpoint: Endpoint, status: number, reason: string): Failure {
  if (status === 404) return missing(endpoint, status, reason)
  const denied = status === 401 || status === 403
  return new Failure(`${endpoint.label}: ${status} ${reason}`, {
    code: denied ? 'sink-denied' : 'sink-refuses',
    retry: 'never',
    reach: 'sink',
    advice: denied
      ? `Check the ${endpoint.api === 1 ? 'user name and password' : 'token'}: it must be allowed to write to ${endpoint.name}.`
      : `Check the URL ${endpoint.url}: what answers there is not the write API of InfluxDB.`,
  })
}

function missing(endpoint: Endpoint, status: number, reason: string): Failure {
  const { name, retentionPolicy, api } = endpoint
  return new Failure(`${endpoint.label}: ${status} ${reason}`, {
    code: 'sink-missing',
    retry: 'never',
    reach: 'sink',
    advice: /retention policy/.test(reason)
      ? `Create it (CREATE RETENTION POLICY "${retentionPolicy}" ON "${name}" DURATION INF REPLICATION 1) or correct its name in the config.`
      : api === 1
        ? `Create the database (CREATE DATABASE "${name}") or correct its name in the config.`
        : `Create the bucket ${name} (influx bucket create -n ${name}) or correct bucket and org in the config.`,
  })
}

const tlsCodes = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  // What OpenSSL cannot make sense of: no TLS at the other end, or an old one.
  'EPROTO',
])

/** A certificate does not become trusted by waiting. */
function tlsFailure(code: string, detail: string, endpoint: Endpoint): Failure | undefined {
  if (!tlsCodes.has(code)) return undefined
  return new Failure(`${endpoint.label}: ${detail}`, {
    code: 'sink-tls',
    retry: 'never',
    reach: 'sink',
    advice:
      code === 'EPROTO'
        ? 'The server speaks no TLS at this port: is it http:// rather than https://?'
        : "Give the certificate of the database's authority as ca, or use the name that the certificate is for.",
  })
}
