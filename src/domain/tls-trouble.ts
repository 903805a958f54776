/** Why no TLS connection came about that can be trusted. */
export type TlsTrouble =
  | 'self-signed'
  | 'unknown-authority'
  | 'other-name'
  | 'expired'
  | 'not-yet-valid'
  | 'bad-certificate'
  | 'no-tls'
  | 'incompatible'
  | 'wants-certificate'

/** By the codes of Node: those of OpenSSL's verification, and its errors with `ERR_SSL_` before them. */
const troubles: Readonly<Record<string, TlsTrouble>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: 'self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'unknown-authority',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'unknown-authority',
  UNABLE_TO_GET_ISSUER_CERT: 'unknown-authority',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'unknown-authority',
  CERT_UNTRUSTED: 'unknown-authority',
  ERR_TLS_CERT_ALTNAME_INVALID: 'other-name',
  HOSTNAME_MISMATCH: 'other-name',
  CERT_HAS_EXPIRED: 'expired',
  CERT_NOT_YET_VALID: 'not-yet-valid',
  CERT_SIGNATURE_FAILURE: 'bad-certificate',
  CERT_REVOKED: 'bad-certificate',
  CERT_REJECTED: 'bad-certificate',
  CERT_CHAIN_TOO_LONG: 'bad-certificate',
  INVALID_CA: 'bad-certificate',
  INVALID_PURPOSE: 'bad-certificate',
  PATH_LENGTH_EXCEEDED: 'bad-certificate',
  UNABLE_TO_DECRYPT_CERT_SIGNATURE: 'bad-certificate',
  UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY: 'bad-certificate',
  UNSPECIFIED: 'bad-certificate',
  ERR_SSL_WRONG_VERSION_NUMBER: 'no-tls',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'no-tls',
  ERR_SSL_HTTP_REQUEST: 'no-tls',
  // what it also says where the request is written before the handshake has failed
  EPROTO: 'no-tls',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: 'incompatible',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'incompatible',
  ERR_SSL_UNSAFE_LEGACY_RENEGOTIATION_DISABLED: 'incompatible',
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: 'incompatible',
  'ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE': 'incompatible',
  ERR_SSL_TLSV1_ALERT_INSUFFICIENT_SECURITY: 'incompatible',
  ERR_SSL_DH_KEY_TOO_SMALL: 'incompatible',
  ERR_SSL_EE_KEY_TOO_SMALL: 'incompatible',
  ERR_SSL_CA_MD_TOO_WEAK: 'incompatible',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: 'wants-certificate',
}

export function tlsTrouble(code: string): TlsTrouble | undefined {
  return Object.hasOwn(troubles, code) ? troubles[code] : undefined
}

/** As the end of `it cannot be trusted: …`, or a sentence about the server. */
export const tlsTroubleText: Readonly<Record<TlsTrouble, string>> = {
  'self-signed': 'its certificate is self-signed',
  'unknown-authority': 'its certificate is signed by an authority that is not known here',
  'other-name': 'its certificate is for another host name',
  expired: 'its certificate has expired',
  'not-yet-valid': 'its certificate is not valid yet',
  'bad-certificate': 'its certificate is not usable',
  'no-tls': 'it does not speak TLS there',
  incompatible: 'it has no version and cipher of TLS in common with this program, which takes TLS 1.2 and 1.3',
  'wants-certificate': 'it wants a certificate of the client, which this program cannot show',
}
