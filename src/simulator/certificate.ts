import { X509Certificate } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { join } from 'node:path'

export interface Certificate {
  readonly keyPem: string
  readonly certificatePem: string
  /** SHA-256 of the certificate, `AB:CD:…`, as a client pins it. */
  readonly fingerprint256: string
}

/** A fresh self-signed certificate, the gateway's factory default (protocol §1), for `localhost`, the loopback addresses and `host`. */
export async function makeCertificate(host: string): Promise<Certificate> {
  const addresses = new Set(['127.0.0.1', '::1'])
  const names = new Set(['localhost'])
  if (isIP(host) > 0) addresses.add(host)
  else names.add(host)
  const altNames = [
    ...[...names].map(value => ({ type: 2 as const, value })),
    ...[...addresses].map(ip => ({ type: 7 as const, ip })),
  ]
  // The real clock, not the simulated one: TLS peers judge the dates by their own.
  const dayMs = 86_400_000
  // a fifth of the time that the program takes to start, and only a simulator needs it
  const { generate } = await import('selfsigned')
  const made = await generate([{ name: 'commonName', value: 'SmartServer' }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    notBeforeDate: new Date(Date.now() - dayMs),
    notAfterDate: new Date(Date.now() + 3650 * dayMs),
    extensions: [{ name: 'subjectAltName', altNames }],
  })
  const { fingerprint256 } = new X509Certificate(made.cert)
  return { keyPem: made.private, certificatePem: made.cert, fingerprint256 }
}

/** The certificate that the folder keeps; made and kept at the first start. Throws what reading and writing throw. */
export async function keptCertificate(folder: string, host: string): Promise<Certificate> {
  const files = { keyPem: join(folder, 'key.pem'), certificatePem: join(folder, 'certificate.pem') }
  try {
    const [keyPem, certificatePem] = await Promise.all([
      readFile(files.keyPem, 'utf8'),
      readFile(files.certificatePem, 'utf8'),
    ])
    return { keyPem, certificatePem, fingerprint256: new X509Certificate(certificatePem).fingerprint256 }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  const made = await makeCertificate(host)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await writeFile(files.keyPem, made.keyPem, { mode: 0o600 })
  await writeFile(files.certificatePem, made.certificatePem)
  return made
}
