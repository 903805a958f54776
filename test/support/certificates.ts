import { generateKeyPairSync } from 'node:crypto'
import { selfSignedPem } from '../../src/simulator/self-signed.ts'

const dayMs = 86_400_000

export interface TestCertificate {
  readonly key: string
  readonly cert: string
}

/** A certificate that signs itself: its own authority. Its time begins and ends so many days from now. */
export function certificateFor(host: string, { fromDays = -1, toDays = 30 } = {}): TestCertificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const cert = selfSignedPem({
    publicKey,
    privateKey,
    commonName: host,
    hosts: [host],
    notBefore: new Date(Date.now() + fromDays * dayMs),
    notAfter: new Date(Date.now() + toDays * dayMs),
  })
  return { key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), cert }
}
