import { X509Certificate } from 'node:crypto'
import { resolve } from 'node:path'
import { blankFault, secretFault } from './secret-text.ts'
import { readTextFile } from './text-file.ts'
import type { Path } from './yaml.ts'

const secretKeys = ['username', 'password', 'token']

/** What the files named in a config hold, or why one cannot be used. */
export interface Referenced {
  readonly path: Path
  readonly file: string
  readonly content: string
  readonly fault: string | undefined
}

/**
 * Reads the files that a config names: `{ file: … }` of secrets, `ca` certificates. Works on the values as they stand in
 * the YAML, so that a missing file is reported together with everything else.
 */
export function readReferenced(value: unknown, base: string): Referenced[] {
  return textsIn(value).flatMap(({ path, text }) => {
    const [parent, key] = path.slice(-2)
    if (key === 'file' && secretKeys.includes(String(parent))) return [readSecret(resolve(base, text), path)]
    if (key === 'ca' && (parent === 'tls' || parent === 'influxdb'))
      return [readCertificates(resolve(base, text), path)]
    return []
  })
}

/** A user name, password or token in the place where it stands. */
export interface SecretText {
  readonly path: Path
  readonly text: string
}

/** As they stand in the YAML; those that are in files are `readReferenced`. */
export function secretTexts(value: unknown): SecretText[] {
  return textsIn(value).filter(({ path }) => secretKeys.includes(String(path.at(-1))))
}

function textsIn(value: unknown, path: Path = []): SecretText[] {
  if (typeof value === 'string') return [{ path, text: value }]
  if (typeof value !== 'object' || value === null) return []
  const items: [string | number, unknown][] = Array.isArray(value) ? [...value.entries()] : Object.entries(value)
  return items.flatMap(([key, item]) => textsIn(item, [...path, key]))
}

/** One line end at the end is cut: editors and `echo` put it there. */
function readSecret(file: string, path: Path): Referenced {
  const read = readTextFile(file)
  const content = (read.text ?? '').replace(/\r?\n$/, '')
  const wrong = secretFault(content) ?? blankFault(content)
  const fault =
    read.fault ??
    (content === '' ? 'the file is empty' : wrong === undefined ? undefined : `the text in the file ${wrong}`)
  return { path, file, content, fault }
}

function readCertificates(file: string, path: Path): Referenced {
  const { text: content = '', fault: unread } = readTextFile(file)
  const blocks = content.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g)
  const isBad = (block: string) => {
    try {
      return new X509Certificate(block).fingerprint256 === ''
    } catch {
      return true
    }
  }
  const fault =
    unread ?? (blocks === null || blocks.some(isBad) ? 'the file holds no PEM certificate that can be read' : undefined)
  return { path, file, content, fault }
}
