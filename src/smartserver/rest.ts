import https from 'node:https'
import type { Failure } from '../domain/failure.ts'
import { gatewayFailure } from './failures.ts'
import { networkFailure } from './network-failure.ts'

export interface RestAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

export interface RestCall {
  readonly method: 'GET' | 'POST' | 'PUT'
  readonly path: string
  readonly cookie?: string
  readonly json?: unknown
}

/** A gateway busy with its log answers late (protocol §4.1), but it answers. */
const timeoutMs = 60_000
/** From the call to the last byte of the answer: one that sends a byte now and then must not hold the work for ever. */
const deadlineMs = 180_000
/** Several thousand datapoints in one answer are some megabytes. */
const largestBody = 64 * 1024 * 1024

/** One HTTPS call, whatever its status; redirects are not followed (protocol §1). Throws a Failure where no answer came. */
export async function restCall(
  base: string,
  agent: https.Agent,
  call: RestCall,
  signal: AbortSignal,
): Promise<RestAnswer> {
  signal.throwIfAborted()
  const { promise, resolve, reject } = Promise.withResolvers<RestAnswer>()
  const doing = `asking ${call.method} ${call.path.split('?')[0]}`
  const fail = (error: unknown) => reject(signal.aborted ? signal.reason : networkFailure(error, doing))
  // a request that still waits for its connection does not hear the signal itself
  signal.addEventListener('abort', fail, { once: true })
  let deadline: NodeJS.Timeout | undefined
  try {
    const payload = call.json === undefined ? undefined : JSON.stringify(call.json)
    const request = https.request(
      `${base}${call.path}`,
      { method: call.method, agent, headers: headersOf(call, payload), signal },
      response => {
        const chunks: Buffer[] = []
        let size = 0
        response.on('data', (chunk: Buffer) => {
          size += chunk.length
          if (size > largestBody) response.destroy(tooLarge(doing))
          else chunks.push(chunk)
        })
        response.on('error', fail)
        response.on('end', () => {
          const body = Buffer.concat(chunks).toString('utf8')
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body })
        })
      },
    )
    request.setTimeout(timeoutMs, () => request.destroy(silent(doing, timeoutMs)))
    deadline = setTimeout(() => {
      const failure = silent(doing, deadlineMs)
      fail(failure)
      request.destroy(failure)
    }, deadlineMs)
    request.on('error', fail)
    request.end(payload)
    return await promise
  } finally {
    signal.removeEventListener('abort', fail)
    clearTimeout(deadline)
  }
}

/**
 * Absent session, in all its shapes: 401, a redirect to the login page, or that page itself (protocol §1). 403 is none:
 * it says that this login, known well, may not ask that.
 */
export function isLoggedOut({ status, headers, body }: RestAnswer): boolean {
  if (status === 401) return true
  if (status >= 300 && status < 400) return true
  return status === 200 && (String(headers['content-type'] ?? '').includes('text/html') || body.startsWith('<'))
}

function headersOf(call: RestCall, payload: string | undefined): Record<string, string | number> {
  return {
    accept: 'application/json',
    ...(call.cookie === undefined ? {} : { cookie: call.cookie }),
    // an explicit length: a PUT without a body must not go out chunked
    ...(payload === undefined ? {} : { 'content-type': 'application/json' }),
    ...(call.method === 'GET' ? {} : { 'content-length': Buffer.byteLength(payload ?? '') }),
  }
}

function silent(doing: string, afterMs: number): Failure {
  return gatewayFailure('gateway-silent', `the gateway gave no whole answer within ${afterMs / 1000} s while ${doing}`)
}

function tooLarge(doing: string): Failure {
  return gatewayFailure('answer-too-large', `the gateway's answer exceeds ${largestBody >> 20} MiB while ${doing}`)
}
