import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { selfSignedPem } from '../../../src/simulator/self-signed.ts'
import { runs } from '../../support/runs.ts'

const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const from = new Date('2024-02-29T23:59:59Z')

const host = fc.oneof(
  fc.ipV4(),
  fc.ipV6(),
  fc.domain(),
  fc.constantFrom('::1', '::', '1::', '::ffff:192.0.2.1', 'localhost'),
)

test('a certificate says what it was made of, for every host and time', () => {
  fc.assert(
    fc.property(
      fc.array(host, { minLength: 1, maxLength: 20 }),
      fc.date({ min: from, max: new Date('2150-01-01'), noInvalidDate: true }),
      (hosts, notAfter) => {
        const pem = selfSignedPem({ ...keys, commonName: 'SmartServer', hosts, notBefore: from, notAfter })
        const certificate = new X509Certificate(pem)
        expect(certificate.verify(keys.publicKey)).toBe(true)
        expect(certificate.checkIssued(certificate)).toBe(true)
        expect(certificate.subject).toBe('CN=SmartServer')
        expect(certificate.validFromDate).toEqual(from)
        expect(certificate.validToDate.getTime()).toBe(Math.floor(notAfter.getTime() / 1000) * 1000)
        for (const it of hosts)
          expect(isIP(it) > 0 ? certificate.checkIP(it) : certificate.checkHost(it), it).toBeDefined()
        expect(certificate.checkHost('other.example')).toBeUndefined()
      },
    ),
    { numRuns: runs(100) },
  )
})
