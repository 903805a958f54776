import { type KeyObject, randomBytes, sign } from 'node:crypto'
import { isIP } from 'node:net'

/** What a certificate that is signed by its own key says. */
interface SelfSigned {
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
  /** Of the subject, who is the issuer as well. */
  readonly commonName: string
  /** DNS names and IP addresses that it is for. */
  readonly hosts: readonly string[]
  readonly notBefore: Date
  readonly notAfter: Date
}

/*
 * Node makes keys and signatures but no certificates, and a library for them brings 22 packages. This is the DER of
 * RFC 5280 for one kind alone: version 3, an EC key, ECDSA with SHA-256. Only the simulator shows it, and its tests let
 * OpenSSL check it.
 */

const tag = {
  integer: 0x02,
  bits: 0x03,
  octets: 0x04,
  oid: 0x06,
  utf8: 0x0c,
  utcTime: 0x17,
  time: 0x18,
  sequence: 0x30,
  set: 0x31,
}
const oid = {
  ecdsaWithSha256: [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02],
  commonName: [0x55, 0x04, 0x03],
  subjectAltName: [0x55, 0x1d, 0x11],
}

/** The certificate in PEM. */
export function selfSignedPem({ publicKey, privateKey, commonName, hosts, notBefore, notAfter }: SelfSigned): string {
  const algorithm = sequence(der(tag.oid, Buffer.from(oid.ecdsaWithSha256)))
  const name = sequence(
    der(tag.set, sequence(der(tag.oid, Buffer.from(oid.commonName)), der(tag.utf8, Buffer.from(commonName)))),
  )
  const altNames = sequence(...hosts.map(altName))
  const extension = sequence(der(tag.oid, Buffer.from(oid.subjectAltName)), der(tag.octets, altNames))
  const serial = randomBytes(16)
  // positive, and without a zero at its front
  serial[0] = (serial[0]! & 0x3f) | 0x40
  const content = sequence(
    explicit(0, der(tag.integer, Buffer.from([2]))),
    der(tag.integer, serial),
    algorithm,
    name,
    sequence(time(notBefore), time(notAfter)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    explicit(3, sequence(extension)),
  )
  const signature = der(tag.bits, Buffer.from([0]), sign('sha256', content, privateKey))
  const lines =
    sequence(content, algorithm, signature)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n')
}

function altName(host: string): Buffer {
  const [dnsName, ipAddress] = [0x82, 0x87]
  return isIP(host) === 0 ? der(dnsName, Buffer.from(host, 'latin1')) : der(ipAddress, addressBytes(host))
}

function addressBytes(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number))
  // the URL standard writes an address in its shortest form, with IPv4 at its end in hexadecimal
  const [head = '', tail] = new URL(`http://[${address.split('%')[0]}]`).hostname.slice(1, -1).split('::')
  const words = (text = '') => text.split(':').filter(it => it !== '')
  const [before, after] = [words(head), words(tail)]
  const zeros = Array<string>(8 - before.length - after.length).fill('0')
  const bytes = Buffer.alloc(16)
  for (const [i, word] of [...before, ...zeros, ...after].entries())
    bytes.writeUInt16BE(Number.parseInt(word, 16), 2 * i)
  return bytes
}

/** UTCTime until 2049, as RFC 5280 wants it. */
function time(at: Date): Buffer {
  const text = `${at.toISOString().replace(/[-:T]|\.\d+/g, '')}`
  return at.getUTCFullYear() < 2050 ? der(tag.utcTime, Buffer.from(text.slice(2))) : der(tag.time, Buffer.from(text))
}

function sequence(...parts: readonly Uint8Array[]): Buffer {
  return der(tag.sequence, ...parts)
}

function explicit(number: number, content: Uint8Array): Buffer {
  return der(0xa0 + number, content)
}

/** Tag, length and content. */
function der(type: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts)
  const length: number[] = []
  for (let rest = content.length; rest > 0; rest = Math.floor(rest / 256)) length.unshift(rest % 256)
  const head = content.length < 128 ? [content.length] : [0x80 + length.length, ...length]
  return Buffer.concat([Buffer.from([type, ...head]), content])
}
