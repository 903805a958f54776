import { randomUUID } from 'node:crypto'
import { closeSync, existsSync, openSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Failure } from '../../domain/failure.ts'
import type { TimeRange } from '../../domain/range.ts'
import { appendDurably, portionsOf } from '../../durable/append.ts'
import { makeFolder } from '../../durable/folder.ts'
import { openRegularFile } from '../../durable/regular-file.ts'
import { replaceDurably, writeAll } from '../../durable/write.ts'
import { sinkFailure } from '../failures.ts'
import { fileSuffix, jsonOf, type ManifestEntry, manifestLine, parseManifestLine } from './manifest-line.ts'

const manifestName = 'manifest.ndjson'
/** A hundred thousand datapoints in one transfer. */
const mostLineBytes = 16 * 1024 * 1024
const mostFaults = 20
const mostSpans = 1_000

/** What is in a bundle, and what is wrong with its list. The lines themselves may be more than memory holds. */
interface Manifest {
  readonly id: string
  /** Ranges that can be loaded. */
  readonly count: number
  /** Of each gateway, from the earliest to the latest of them; of the first thousand gateways. */
  readonly spans: ReadonlyMap<string, TimeRange>
  /** Number of the last line, from 0, the head. */
  readonly last: number
  /** For people: each one a range or more that cannot be loaded; of many the first. */
  readonly faults: readonly string[]
}

/** Where lines are added. */
export interface ManifestList {
  readonly folder: string
  last: number
}

/** `now`: by this machine's clock, ms UTC. Throws a Failure for a folder that is no bundle. */
export function readManifest(folder: string, now: number): Manifest {
  const unlisted = new Set(filesIn(folder))
  const faults: string[] = []
  let faultCount = 0
  const fault = (words: string) => {
    if (++faultCount <= mostFaults) faults.push(words)
  }
  let id: string | undefined
  let [count, last] = [0, 0]
  const spans = new Map<string, TimeRange>()
  for (const line of linesOf(folder, now)) {
    if ('id' in line) {
      id = line.id
      continue
    }
    const { position, number } = line
    if (number !== undefined) {
      if (number > last + 1)
        fault(`${number - last - 1} of its ranges are missing before line ${position} of ${manifestName}`)
      // a process that slept while another took over gives a number once more
      last = Math.max(last, number)
    }
    if ('wrong' in line) {
      fault(`line ${position} of ${manifestName} ${line.wrong}`)
      continue
    }
    const { gateway, after, until, file } = line.entry
    count++
    if (file !== undefined) unlisted.delete(file)
    const span = spans.get(gateway) ?? { after, until }
    if (spans.size < mostSpans || spans.has(gateway))
      spans.set(gateway, { after: Math.min(span.after, after), until: Math.max(span.until, until) })
  }
  for (const name of unlisted) fault(`${name} is not listed in ${manifestName}`)
  if (faultCount > mostFaults) faults.push(`and ${faultCount - mostFaults} more`)
  return { id: id!, count, spans, last, faults }
}

/** What can be loaded, line by line. Throws as `readManifest` does. */
export function* manifestEntries(folder: string, now: number): Generator<ManifestEntry> {
  for (const line of linesOf(folder, now)) if ('entry' in line) yield line.entry
}

export function hasManifest(folder: string): boolean {
  return existsSync(join(folder, manifestName))
}

/** Makes the folder and its manifest where there are none; the first line names the bundle for good, whatever its path. */
export function makeManifest(folder: string, now: number): Manifest {
  makeFolder(folder)
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
  return readManifest(folder, now)
}

/**
 * Durable when it returns. A line that a crash cut off is taken away: its transfer was not recorded and comes again.
 */
export function addToManifest(list: ManifestList, entry: ManifestEntry): void {
  const number = list.last + 1
  appendDurably(join(list.folder, manifestName), [manifestLine(number, entry)], 'drop')
  // not before: a number that was given to nothing would look like a missing line
  list.last = number
}

type Line = { readonly id: string } | ({ readonly position: number } & ReturnType<typeof parseManifestLine>)

/** The head first; then the lines, with their position in the file from 1. */
function* linesOf(folder: string, now: number): Generator<Line> {
  let position = 0
  for (const bytes of rawLines(folder)) {
    position++
    if (position === 1) {
      const id: unknown = (Object(bytes === undefined ? undefined : jsonOf(bytes)) as { bundle?: unknown }).bundle
      if (typeof id !== 'string') throw notABundle(folder, undefined)
      yield { id }
    } else if (bytes === undefined) yield { position, number: undefined, wrong: 'is too long' }
    else if (bytes.length > 0) yield { position, ...parseManifestLine(bytes, now) }
  }
  if (position === 0) throw notABundle(folder, undefined)
}

/** Undefined for a line that is too long for memory. */
function* rawLines(folder: string): Generator<Buffer | undefined> {
  let file: number
  try {
    file = openRegularFile(join(folder, manifestName))
  } catch (cause) {
    throw notABundle(folder, cause)
  }
  try {
    let parts: Uint8Array[] = []
    let size = 0
    const add = (part: Uint8Array) => {
      size += part.length
      // the portion is used again for the next one
      if (size <= mostLineBytes) parts.push(Buffer.from(part))
    }
    const take = () => {
      const line = size <= mostLineBytes ? Buffer.concat(parts) : undefined
      parts = []
      size = 0
      return line
    }
    for (const portion of portionsOf(file)) {
      let from = 0
      for (let to = portion.indexOf(newline); to !== -1; to = portion.indexOf(newline, from)) {
        add(portion.subarray(from, to))
        from = to + 1
        yield take()
      }
      add(portion.subarray(from))
    }
    if (size > 0) yield take()
  } finally {
    closeSync(file)
  }
}

const newline = 0x0a

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter(name => name.endsWith(fileSuffix))
      .sort()
  } catch (cause) {
    throw notABundle(folder, cause)
  }
}

function notABundle(folder: string, cause: unknown): Failure {
  return sinkFailure('sink-foreign', `${folder} is no bundle: it has no ${manifestName} that begins as one`, {
    advice: 'Name the folder that was given as sink.bundle.path.',
    cause,
  })
}
