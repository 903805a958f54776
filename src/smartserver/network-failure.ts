import { Failure } from '../domain/failure.ts'
import { gatewayFailure } from './failures.ts'

/** No connection came about: nothing was asked of the gateway yet. */
const unreachable = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'EHOSTDOWN',
])

const certificate = new Map([
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'its certificate is self-signed'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'its certificate chain ends in a self-signed one'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'its certificate is signed by an unknown authority'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'its certificate is signed by an unknown authority'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'its certificate is for another host name'],
  ['CERT_HAS_EXPIRED', 'its certificate has expired'],
  ['CERT_NOT_YET_VALID', 'its certificate is not valid yet'],
])

/** What TLS makes of an answer in plain HTTP, or of any other protocol; by the way the connection is made. */
const noTls = new Set(['EPROTO', 'ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG'])

/** Turns what Node's network layer says into a Failure with the decision (law 9). */
export function networkFailure(error: unknown, doing: string): Failure {
  if (error instanceof Failure) return error
  const code = codeOf(error)
  const trouble = certificate.get(code)
  if (trouble !== undefined)
    return gatewayFailure('untrusted-certificate', `cannot trust the gateway: ${trouble}`, { cause: error })
  if (unreachable.has(code))
    return gatewayFailure('gateway-unreachable', `the gateway cannot be reached (${code}) while ${doing}`, {
      cause: error,
    })
  if (noTls.has(code))
    return gatewayFailure('no-tls', `the gateway does not speak TLS there (${code}) while ${doing}`, { cause: error })
  const detail = code === '' && error instanceof Error ? error.message : code
  return gatewayFailure('connection-broken', `the connection to the gateway broke (${detail}) while ${doing}`, {
    cause: error,
  })
}

function codeOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0])
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}
