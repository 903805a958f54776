import { closeSync, constants, fstatSync, fsyncSync, ftruncateSync, openSync, readSync } from 'node:fs'
import { dirname } from 'node:path'
import { syncFolder, writeAll } from './write.ts'

const newline = Buffer.from('\n')
/** Not through a link: in a folder that others may write, it could lead anywhere. */
const flags = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW

/**
 * What happens to a last line that a crash has cut off: `keep` ends it, so that a person can still read it; `drop` takes
 * it away.
 */
type CutLine = 'keep' | 'drop'

/** Appends whole lines to a file, which is made if it does not exist. Durable when it returns. */
export function appendDurably(path: string, lines: Iterable<Uint8Array>, cutLine: CutLine): void {
  const file = openSync(path, flags, 0o600)
  try {
    const { size } = fstatSync(file)
    const end = endOfLines(file, size)
    if (cutLine === 'drop') ftruncateSync(file, end)
    else if (end < size) writeAll(file, newline)
    for (const bytes of lines) writeAll(file, bytes)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  syncFolder(dirname(path))
}

/** In portions: a file may be larger than memory (law 6). */
export function* portionsOf(file: number): Generator<Uint8Array> {
  const portion = Buffer.alloc(256 * 1024)
  for (let at = 0; ; ) {
    const read = readSync(file, portion, 0, portion.length, at)
    if (read === 0) return
    yield portion.subarray(0, read)
    at += read
  }
}

/** The byte after the last newline. */
function endOfLines(file: number, size: number): number {
  const portion = Buffer.alloc(64 * 1024)
  for (let until = size; until > 0; ) {
    const from = Math.max(0, until - portion.length)
    readSync(file, portion, 0, until - from, from)
    const last = portion.subarray(0, until - from).lastIndexOf('\n')
    if (last !== -1) return from + last + 1
    until = from
  }
  return 0
}
