import type { Failure } from '../domain/failure.ts'
import { retryAfterOf } from '../domain/retry-after.ts'
import { gatewayFailure } from './failures.ts'
import type { RestAnswer, RestCall } from './rest.ts'

/** What can be asked by REST with a login: a Gateway. */
export interface Asked {
  call(call: RestCall, signal: AbortSignal): Promise<RestAnswer>
}

/** What a gateway answers to a call that its release does not know. */
const unsupported = new Set([400, 404, 405, 501])

/** The JSON of a GET. Throws a Failure of reach `gateway` for any status but 200 and for what is no JSON. */
export async function askJson(gateway: Asked, path: string, signal: AbortSignal): Promise<unknown> {
  const answer = await gateway.call({ method: 'GET', path }, signal)
  if (answer.status !== 200) throw badStatus('GET', path, answer)
  try {
    return JSON.parse(answer.body)
  } catch {
    throw gatewayFailure('rest-not-json', `the gateway answers GET ${bare(path)} with something else than JSON`)
  }
}

/** A PUT; 204 is the documented success, 200 as good (protocol §5). Throws a Failure of reach `gateway`. */
export async function putJson(gateway: Asked, path: string, json: unknown, signal: AbortSignal): Promise<void> {
  const answer = await gateway.call({ method: 'PUT', path, ...(json === undefined ? {} : { json }) }, signal)
  if (answer.status < 200 || answer.status > 299) throw badStatus('PUT', path, answer)
}

function badStatus(method: string, path: string, { status, headers }: RestAnswer): Failure {
  const code = unsupported.has(status) ? 'rest-unsupported' : status >= 500 ? 'rest-busy' : 'rest-refused'
  return gatewayFailure(code, `the gateway answers ${method} ${bare(path)} with status ${status}`, {
    retryAfterMs: retryAfterOf(headers),
  })
}

function bare(path: string): string {
  return path.split('?')[0]!
}

/** A member of what may be anything; undefined where it is no object or has none. */
export function memberOf(json: unknown, key: string): unknown {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return undefined
  return Object.hasOwn(json, key) ? (json as Record<string, unknown>)[key] : undefined
}

/** Text that says something; undefined for all else. */
export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** Ids are numbers here and text there (protocol §3.1, §5): compared as text. */
export function idOf(value: unknown): string | undefined {
  return typeof value === 'number' ? String(value) : textOf(value)
}
