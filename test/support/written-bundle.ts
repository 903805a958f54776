import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

/** A line of a manifest, right unless a test changes it. */
export interface WrittenLine {
  readonly [member: string]: unknown
}

export const packedAt = Date.UTC(2026, 0, 1)
const tags = { block: 'LightSensor', datapoint: 'nvoLux', device: 'Sensor 1', gateway: 'g', index: '0' }
export const writtenSeries = ['datalog', tags] as const

/** Of the hour before it was packed. */
export function lineOf(change: WrittenLine): WrittenLine {
  return {
    at: packedAt,
    gateway: 'g',
    selectors: [{ device: { name: 'Sensor 1' }, block: 'LightSensor', index: 0, point: { name: 'nvoLux' } }],
    after: packedAt - 3_600_000,
    until: packedAt,
    provisional: false,
    received: 1,
    written: 1,
    series: [[writtenSeries]],
    ...change,
  }
}

export function pointLine(at: number): string {
  const names = Object.entries(tags).map(([key, value]) => `${key}=${value.replaceAll(' ', '\\ ')}`)
  return `datalog,${names.join(',')} value=1 ${at}000000\n`
}

/** A file of a bundle, packed, that holds the content so many times; its name and checksum for the manifest. */
export function writeLines(
  folder: string,
  name: string,
  content: string | Buffer,
  times = 1,
): { file: string; sha256: string } {
  mkdirSync(folder, { recursive: true })
  const packed = gzipSync(content)
  const bytes = Buffer.concat(Array.from({ length: times }, () => packed))
  writeFileSync(join(folder, name), bytes)
  return { file: name, sha256: createHash('sha256').update(bytes).digest('hex') }
}

/** A line with its checksum. Not by the program: anyone can make one that has no key. */
export function signed(line: number, content: WrittenLine): string {
  const numbered = { line, ...content }
  const sum = createHash('sha256').update(JSON.stringify(numbered)).digest('hex').slice(0, 16)
  return JSON.stringify({ ...numbered, sum })
}

export function writeManifest(folder: string, lines: readonly WrittenLine[]): void {
  mkdirSync(folder, { recursive: true })
  const texts = lines.map((content, i) => signed(i + 1, content))
  writeFileSync(join(folder, 'manifest.ndjson'), `${[JSON.stringify({ bundle: 'b' }), ...texts].join('\n')}\n`)
}
