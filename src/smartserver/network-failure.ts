import { Failure, type FailureDetails } from '../domain/failure.ts'
import { type TlsTrouble, tlsTrouble, tlsTroubleText } from '../domain/tls-trouble.ts'
import { type GatewayCode, gatewayFailure } from './failures.ts'

type Meaning = readonly [failure: GatewayCode, text: string, advice?: string]

/** What this machine and its network say when no connection comes about: nothing was asked of the gateway yet. */
const unreachable: Readonly<Record<string, Meaning>> = {
  ENOTFOUND: [
    'gateway-unreachable',
    'there is no host of this name',
    'Check the host name in url, and the name server of this machine.',
  ],
  EAI_AGAIN: ['gateway-unreachable', 'the name server does not answer', 'Check the name server of this machine.'],
  ECONNREFUSED: [
    'gateway-unreachable',
    'nothing listens at this port',
    'Check host and port of url (443, and 8443 up to release 2.7). A gateway that is starting listens some minutes later.',
  ],
  EHOSTUNREACH: ['gateway-unreachable', 'there is no way to this host'],
  ENETUNREACH: ['gateway-unreachable', 'there is no way to this network'],
  ENETDOWN: ['gateway-unreachable', 'the network of this machine is down', 'Check the network of this machine.'],
  EADDRNOTAVAIL: ['gateway-unreachable', 'this machine has no address for it', 'Check the network of this machine.'],
  ETIMEDOUT: ['gateway-unreachable', 'nothing answers'],
  EHOSTDOWN: ['gateway-unreachable', 'the host is down'],
  EACCES: ['connection-forbidden', 'this machine does not let the program connect'],
  EPERM: ['connection-forbidden', 'this machine does not let the program connect'],
  EMFILE: ['too-many-files', 'this process may open no more files and sockets'],
  ENFILE: ['too-many-files', 'this machine can open no more files and sockets'],
}

const pinOrName = 'Pin its certificate (tls: { fingerprint256: … }) or name its CA (tls: { ca: … }).'
const pinAnyway = 'A pinned certificate (tls: { fingerprint256: … }) is taken whatever its dates and names are.'

const tlsFailures: Readonly<Record<TlsTrouble, readonly [failure: GatewayCode, advice?: string]>> = {
  'self-signed': ['untrusted-certificate', 'Pin its certificate: tls: { fingerprint256: … }; "check" shows it.'],
  'unknown-authority': ['untrusted-certificate', pinOrName],
  'other-name': ['untrusted-certificate', `Use the host name in url that the certificate is for. ${pinAnyway}`],
  expired: ['untrusted-certificate', `Renew it, and check the clock of this machine. ${pinAnyway}`],
  'not-yet-valid': [
    'untrusted-certificate',
    `Check the clock of this machine, and that of the machine where it was made. ${pinAnyway}`,
  ],
  'bad-certificate': ['untrusted-certificate', pinOrName],
  'no-tls': ['no-tls'],
  incompatible: ['tls-incompatible'],
  'wants-certificate': ['tls-incompatible', 'Check that url leads to a SmartServer: it asks for no such certificate.'],
}

/** Turns what Node's network layer says into a Failure with the decision (law 9). */
export function networkFailure(error: unknown, doing: string): Failure {
  if (error instanceof Failure) return error
  const code = codeOf(error)
  const trouble = tlsTrouble(code)
  if (trouble !== undefined) {
    const [failure, advice] = tlsFailures[trouble]
    const text = `cannot trust the gateway: ${tlsTroubleText[trouble]}`
    const isCertificate = failure === 'untrusted-certificate'
    const message = isCertificate
      ? text
      : `no TLS with the gateway while ${doing}: ${tlsTroubleText[trouble]} (${code})`
    return gatewayFailure(failure, message, detailsOf(error, advice))
  }
  if (Object.hasOwn(unreachable, code)) {
    const [failure, text, advice] = unreachable[code]!
    const message = `the gateway cannot be reached while ${doing}: ${text} (${code})`
    return gatewayFailure(failure, message, detailsOf(error, advice))
  }
  const detail = code === '' && error instanceof Error ? error.message : code
  return gatewayFailure('connection-broken', `the connection to the gateway broke (${detail}) while ${doing}`, {
    cause: error,
  })
}

function detailsOf(cause: unknown, advice: string | undefined): FailureDetails {
  return { cause, advice }
}

function codeOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0])
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}
