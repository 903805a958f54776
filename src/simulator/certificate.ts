import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { selfSignedPem } from './self-signed.ts'

export interface Certificate {
  readonly keyPem: string
  readonly certificatePem: string
  /** SHA-256 of the certificate, `AB:CD:…`, as a client pins it. */
  readonly fingerprint256: string
}

const dayMs = 86_400_000

/** A fresh self-signed certificate, the gateway's factory default (protocol §1), for `localhost`, the loopback addresses and `host`. */
export function makeCertificate(host: string): Certificate {
  // The real clock, not the simulated one: TLS peers judge the dates by their own.
  const now = Date.now()
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const certificatePem = selfSignedPem({
    publicKey,
    privateKey,
    commonName: 'SmartServer',
    hosts: [...new Set(['localhost', '127.0.0.1', '::1', host])],
    notBefore: new Date(now - dayMs),
    notAfter: new Date(now + 3650 * dayMs),
  })
  const { fingerprint256 } = new X509Certificate(certificatePem)
  return { keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), certificatePem, fingerprint256 }
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
  const made = makeCertificate(host)
  // the folder above it must be there: with `recursive: true` Node never returns from some paths
  await mkdir(folder, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
  await writeFile(files.keyPem, made.keyPem, { mode: 0o600 })
  await writeFile(files.certificatePem, made.certificatePem)
  return made
}
