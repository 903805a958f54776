import { createHash, randomUUID } from 'node:crypto'
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Selector } from '../../domain/datapoint.ts'
import type { Failure } from '../../domain/failure.ts'
import { appendDurably } from '../../durable/append.ts'
import { replaceDurably, writeAll } from '../../durable/write.ts'
import { sinkFailure } from '../failures.ts'

const manifestName = 'manifest.ndjson'
export const fileSuffix = '.lp.gz'

/** A series in the manifest: `[measurement, tags]`. */
type SeriesJson = readonly [string, Readonly<Record<string, string>>]

/** One complete transfer. Lists are in the order of the selectors. */
export interface ManifestEntry {
  readonly gateway: string
  readonly selectors: readonly [Selector, ...Selector[]]
  /** `(after, until]`, ms UTC. */
  readonly after: number
  readonly until: number
  readonly provisional: boolean
  readonly received: number
  readonly written: number
  readonly series: readonly (readonly SeriesJson[])[]
  /** Undefined where the range held nothing to write. */
  readonly file?: string
  readonly sha256?: string
}

/** What is in a bundle, and what is wrong with its list. */
export interface Manifest {
  readonly id: string
  readonly entries: readonly ManifestEntry[]
  /** Number of the last line, from 0, the head. */
  readonly last: number
  /** For people: each one a range or more that may not be in `entries`. */
  readonly faults: readonly string[]
}

/** Where lines are added. */
export interface ManifestList {
  readonly folder: string
  last: number
}

/** Throws a Failure for a folder that is no bundle. */
export function readManifest(folder: string): Manifest {
  let lines: string[]
  let names: string[]
  try {
    lines = readFileSync(join(folder, manifestName), 'utf8').split('\n')
    names = readdirSync(folder)
  } catch (cause) {
    throw notABundle(folder, cause)
  }
  const [head = '', ...rest] = lines
  const id = (parsed(head) as { bundle?: unknown } | undefined)?.bundle
  if (typeof id !== 'string') throw notABundle(folder, undefined)
  const entries: ManifestEntry[] = []
  const faults: string[] = []
  let last = 0
  for (const [i, text] of rest.entries()) {
    if (text === '') continue
    const line = parsedLine(text)
    if (line === undefined) {
      faults.push(`line ${i + 2} of ${manifestName} is damaged`)
      continue
    }
    if (line.number > last + 1)
      faults.push(`${line.number - last - 1} of its ranges are missing before line ${i + 2} of ${manifestName}`)
    last = line.number
    entries.push(line.entry)
  }
  const listed = new Set(entries.map(({ file }) => file))
  for (const name of names.sort())
    if (name.endsWith(fileSuffix) && !listed.has(name)) faults.push(`${name} is not listed in ${manifestName}`)
  return { id, entries, last, faults }
}

export function hasManifest(folder: string): boolean {
  return existsSync(join(folder, manifestName))
}

/** Makes the folder and its manifest where there are none; the first line names the bundle for good, whatever its path. */
export function makeManifest(folder: string): Manifest {
  mkdirSync(folder, { recursive: true })
  const path = join(folder, manifestName)
  if (!hasManifest(folder)) {
    const draft = `${path}.draft`
    const file = openSync(draft, 'w', 0o600)
    try {
      writeAll(file, Buffer.from(`${JSON.stringify({ bundle: randomUUID() })}\n`))
    } catch (error) {
      closeSync(file)
      throw error
    }
    replaceDurably(file, draft, path)
  }
  return readManifest(folder)
}

/**
 * Durable when it returns. The number shows where lines are missing, the checksum where one is damaged. A line that a
 * crash cut off is taken away: its transfer was not recorded and comes again.
 */
export function addToManifest(list: ManifestList, entry: ManifestEntry): void {
  const numbered = { line: list.last + 1, ...entry }
  const line = Buffer.from(`${JSON.stringify({ ...numbered, sum: sumOf(numbered) })}\n`)
  appendDurably(join(list.folder, manifestName), [line], 'drop')
  // not before: a number that was given to nothing would look like a missing line
  list.last++
}

function sumOf(numbered: object): string {
  return createHash('sha256').update(JSON.stringify(numbered)).digest('hex').slice(0, 16)
}

function parsedLine(text: string): { readonly number: number; readonly entry: ManifestEntry } | undefined {
  const { sum, ...numbered } = (parsed(text) ?? {}) as { sum?: unknown; line?: unknown }
  if (typeof numbered.line !== 'number' || sum !== sumOf(numbered)) return undefined
  const { line: number, ...entry } = numbered
  return { number, entry: entry as unknown as ManifestEntry }
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

function notABundle(folder: string, cause: unknown): Failure {
  return sinkFailure('sink-foreign', `${folder} is no bundle: it has no ${manifestName} that begins as one`, {
    advice: 'Name the folder that was given as sink.bundle.path.',
    cause,
  })
}
