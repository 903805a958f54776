import { createHash } from 'node:crypto'
import { statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { setImmediate as turn } from 'node:timers/promises'
import { isoText } from '../domain/instant.ts'
import type { KeptLetter } from './dead-letters.ts'
import { letterFiles } from './letter-files.ts'
import { type LetterLine, readLetterLinesFrom } from './letter-lines.ts'

/** Recognises letters that a range brings again: a re-read, or a range that was taken back. */
export interface LetterIndex {
  /** Catches up with the files, a little at a time, so that a stop is heard in between. */
  learn(signal: AbortSignal): Promise<void>
  /**
   * One fetch of a range. Of letters that are alike it recognises as many as are kept already, and no more: a gateway
   * may well send the same nonsense twice.
   */
  look(): (letter: KeptLetter) => boolean
  /** How many letters of a gateway were brought by a request for some of this range; `until` undefined: without an end. */
  count(gateway: string, after: number, until: number | undefined): number
  /** Bytes of the letters of a gateway, as of the last look. */
  bytesOf(gateway: string): number
  close(): void
}

/**
 * A table of what is in the files, in a temporary file of SQLite's own: letters may be millions, and memory stays flat
 * (law 6). The files are the truth: where one has gone or become shorter, all of it is read anew.
 */
export function openLetterIndex(folder: string): LetterIndex {
  const database = new DatabaseSync('')
  database.exec(`PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
    CREATE TABLE kept (hash BLOB, gateway TEXT NOT NULL, after TEXT, until TEXT, count INTEGER NOT NULL, look INTEGER NOT NULL DEFAULT 0,
      seen INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (hash, after, until)) WITHOUT ROWID`)
  const insert = database.prepare(`INSERT INTO kept (hash, gateway, after, until, count) VALUES (?, ?, ?, ?, 1)
    ON CONFLICT DO UPDATE SET count = count + 1`)
  // ISO 8601 in UTC: the order of the texts is the order of time
  const overlapping = database.prepare(`SELECT after, until, count, look, seen FROM kept
    WHERE hash = ? AND after < ? AND until > ? AND (look <> ? OR seen < count) LIMIT 1`)
  const claim = database.prepare('UPDATE kept SET look = ?, seen = ? WHERE hash = ? AND after = ? AND until = ?')
  const within = database.prepare(`SELECT total(count) AS count FROM kept
    WHERE gateway = ? AND until > ? AND (? IS NULL OR after < ?)`)
  /** Path → bytes that are in the table. */
  const known = new Map<string, number>()
  const bytes = new Map<string, number>()
  let looks = 0

  function enter({ letter, bytes: line }: LetterLine): void {
    if (letter === undefined) return
    insert.run(hashOf(letter), letter.gateway, letter.after, letter.until)
    bytes.set(letter.gateway, (bytes.get(letter.gateway) ?? 0) + line.length + 1)
  }

  function* catchUp(): Generator<void> {
    const sizes = new Map(letterFiles(folder).map(path => [path, statSync(path).size]))
    if ([...known].some(([path, end]) => (sizes.get(path) ?? 0) < end)) {
      known.clear()
      bytes.clear()
      database.exec('DELETE FROM kept')
    }
    for (const [path, size] of sizes) {
      const from = known.get(path) ?? 0
      if (size === from) continue
      for (const { lines, end } of readLetterLinesFrom(path, from)) {
        database.exec('BEGIN')
        for (const line of lines) enter(line)
        database.exec('COMMIT')
        known.set(path, end)
        yield
      }
    }
  }

  return {
    async learn(signal) {
      for (const _ of catchUp()) {
        await turn()
        signal.throwIfAborted()
      }
    },
    look() {
      const look = ++looks
      let isFresh = false
      return letter => {
        if (!isFresh) for (const _ of catchUp());
        isFresh = true
        const hash = hashOf(letter)
        const row = overlapping.get(hash, letter.until, letter.after, look)
        if (row === undefined) return false
        const seen = row['look'] === look ? Number(row['seen']) : 0
        claim.run(look, seen + 1, hash, row['after']!, row['until']!)
        return true
      }
    },
    count(gateway, after, until) {
      for (const _ of catchUp());
      const end = until === undefined ? null : isoText(until)
      return Number(within.get(gateway, isoText(after), end, end)!['count'])
    },
    bytesOf: gateway => bytes.get(gateway) ?? 0,
    close: () => database.close(),
  }
}

/** What makes two letters the same: the words around them do not. */
function hashOf({ gateway, reason, asked, raw, point }: KeptLetter): Buffer {
  const text = JSON.stringify([gateway, reason, asked, raw ?? point])
  return createHash('sha256').update(text).digest().subarray(0, 16)
}
