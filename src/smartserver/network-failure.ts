import { Failure } from '../domain/failure.ts'

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
    return new Failure(`cannot trust the gateway: ${trouble}`, {
      code: 'untrusted-certificate',
      retry: 'never',
      reach: 'gateway',
      advice: 'Pin its certificate (tls: { fingerprint256: … }) or name its CA (tls: { ca: … }).',
      cause: error,
    })
  if (unreachable.has(code))
    return new Failure(`the gateway cannot be reached (${code}) while ${doing}`, {
      code: 'gateway-unreachable',
      retry: 'soon',
      reach: 'gateway',
      advice: 'Check url, network and power of the gateway.',
      cause: error,
    })
  if (noTls.has(code))
    return new Failure(`the gateway does not speak TLS there (${code}) while ${doing}`, {
      code: 'no-tls',
      retry: 'later',
      reach: 'gateway',
      advice: 'Check host and port of url: TLS is at 443, and at 8443 up to release 2.7.',
      cause: error,
    })
  const detail = code === '' && error instanceof Error ? error.message : code
  return new Failure(`the connection to the gateway broke (${detail}) while ${doing}`, {
    code: 'connection-broken',
    retry: 'soon',
    reach: 'request',
    cause: error,
  })
}

function codeOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0])
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}
