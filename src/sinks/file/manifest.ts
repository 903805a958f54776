import { randomUUID } from 'node:crypto'
import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import type { Selector } from '../../domain/datapoint.ts'
import { Failure } from '../../domain/failure.ts'

const manifestName = 'manifest.ndjson'

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

/** The first line names the suitcase for good, whatever its path. Throws a Failure for a folder that is none. */
export function readManifest(folder: string): { readonly id: string; readonly entries: readonly ManifestEntry[] } {
  let lines: unknown[]
  try {
    lines = readFileSync(join(folder, manifestName), 'utf8').split('\n').flatMap(parsed)
  } catch (cause) {
    throw notASuitcase(folder, cause)
  }
  const [head, ...entries] = lines
  const id = (head as { suitcase?: unknown } | undefined)?.suitcase
  if (typeof id !== 'string') throw notASuitcase(folder, undefined)
  return { id, entries: entries as ManifestEntry[] }
}

export function hasManifest(folder: string): boolean {
  return existsSync(join(folder, manifestName))
}

/** Makes the folder and its manifest where there are none; returns the suitcase's id. */
export function openManifest(folder: string): string {
  mkdirSync(folder, { recursive: true })
  const path = join(folder, manifestName)
  if (!hasManifest(folder)) {
    writeDurably(`${path}.draft`, 'w', `${JSON.stringify({ suitcase: randomUUID() })}\n`)
    renameSync(`${path}.draft`, path)
    syncFolder(folder)
  }
  return readManifest(folder).id
}

/** Durable when it returns. A line that a crash cut off stays alone: its transfer was not recorded and comes again. */
export function addToManifest(folder: string, entry: ManifestEntry): void {
  writeDurably(join(folder, manifestName), 'a+', `${JSON.stringify(entry)}\n`)
}

function writeDurably(path: string, flags: string, text: string): void {
  const file = openSync(path, flags, 0o600)
  try {
    const { size } = fstatSync(file)
    const last = Buffer.from('\n')
    if (size > 0) readSync(file, last, 0, 1, size - 1)
    const bytes = Buffer.from(last.toString() === '\n' ? text : `\n${text}`)
    for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

/** A file's name is durable only when its folder is. */
export function syncFolder(folder: string): void {
  const file = openSync(folder, 'r')
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

function parsed(line: string): unknown[] {
  try {
    return [JSON.parse(line)]
  } catch {
    return []
  }
}

function notASuitcase(folder: string, cause: unknown): Failure {
  return new Failure(`${folder} is no suitcase: it has no ${manifestName} that begins as one`, {
    code: 'sink-foreign',
    retry: 'never',
    reach: 'sink',
    advice: 'Name the folder that was given as sink.file.path.',
    cause,
  })
}
