import { createHash } from 'node:crypto'
import { closeSync, createReadStream } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import type { Point, Series } from '../../domain/point.ts'
import { openRegularFile } from '../../durable/regular-file.ts'
import { parsePieces } from '../line-protocol/parse-lines.ts'

/** A file of lines, open. What it throws is an Error with the reason, or that of the signal. */
export interface BundleFile {
  /** Compressed. */
  readonly bytes: number
  points(
    seriesOf: (measurement: string, tags: Record<string, string>) => Series,
    signal: AbortSignal,
  ): AsyncIterable<Point>
  close(): void
}

/**
 * All of it is checked before any line of it is used, and what was checked is read: it stays open in between. Packed or
 * not it may be of any size: a little of it at a time is in memory.
 */
export async function openBundleFile(
  folder: string,
  { file: name, sha256 }: { readonly file: string; readonly sha256: string },
  signal: AbortSignal,
): Promise<BundleFile> {
  const file = openRegularFile(join(folder, name))
  const content = () => createReadStream('', { fd: file, start: 0, autoClose: false })
  try {
    const hash = createHash('sha256')
    let bytes = 0
    for await (const portion of content()) {
      signal.throwIfAborted()
      bytes += (portion as Buffer).length
      hash.update(portion as Buffer)
    }
    if (hash.digest('hex') !== sha256) throw new Error('its SHA-256 is not the one in the manifest')
    return {
      bytes,
      points: (seriesOf, stop) => parsePieces(textOf(content(), stop), seriesOf),
      close: () => closeSync(file),
    }
  } catch (error) {
    closeSync(file)
    throw error
  }
}

async function* textOf(packed: ReturnType<typeof createReadStream>, signal: AbortSignal): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const unpacked = createGunzip()
  const done = pipeline(packed, unpacked)
  // what it fails with, the loop throws as well
  done.catch(() => {})
  for await (const portion of unpacked) {
    signal.throwIfAborted()
    yield decoder.decode(portion as Buffer, { stream: true })
  }
  yield decoder.decode()
}
