import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Path } from './yaml.ts'

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
export function readReferenced(value: unknown, base: string, path: Path = []): Referenced[] {
  if (typeof value === 'string') {
    const [parent, key] = path.slice(-2)
    if (key === 'file' && ['username', 'password', 'token'].includes(String(parent)))
      return [readSecret(resolve(base, value), path)]
    if (key === 'ca' && (parent === 'tls' || parent === 'influxdb'))
      return [readCertificates(resolve(base, value), path)]
    return []
  }
  if (typeof value !== 'object' || value === null) return []
  const items: [string | number, unknown][] = Array.isArray(value) ? [...value.entries()] : Object.entries(value)
  return items.flatMap(([key, item]) => readReferenced(item, base, [...path, key]))
}

/** One trailing newline is cut: editors and `echo` put it there. */
function readSecret(file: string, path: Path): Referenced {
  const read = readText(file)
  const content = read.content.replace(/\r?\n$/, '')
  const fault = read.fault ?? (content === '' ? 'the file is empty' : undefined)
  return { path, file, content, fault }
}

function readCertificates(file: string, path: Path): Referenced {
  const read = readText(file)
  const blocks = read.content.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g)
  const isBad = (block: string) => {
    try {
      return new X509Certificate(block).fingerprint256 === ''
    } catch {
      return true
    }
  }
  const fault =
    read.fault ??
    (blocks === null || blocks.some(isBad) ? 'the file holds no PEM certificate that can be read' : undefined)
  return { path, file, content: read.content, fault }
}

function readText(file: string): { content: string; fault: string | undefined } {
  try {
    return { content: readFileSync(file, 'utf8'), fault: undefined }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error'
    const reasons: Record<string, string> = {
      ENOENT: 'there is no such file',
      EACCES: 'no permission to read the file',
      EISDIR: 'this is a folder, not a file',
    }
    return { content: '', fault: reasons[code] ?? `cannot read the file (${code})` }
  }
}
