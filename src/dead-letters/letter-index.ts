import { createHash, randomUUID } from 'node:crypto'
import { rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setImmediate as turn } from 'node:timers/promises'
import { isoText } from '../domain/instant.ts'
import type { TimeRange } from '../domain/range.ts'
import type { KeptLetter } from './dead-letters.ts'
import { letterFiles } from './letter-files.ts'
import { type LetterLine, readLetterLinesFrom } from './letter-lines.ts'

/** Entries of which there are dead letters. */
export interface LetterCount {
  /** Those that are missing in the database. */
  readonly open: number
  /** Those that a person gave up, by the reason that was given. */
  readonly discarded: readonly DiscardCount[]
}

interface DiscardCount {
  readonly reason: string
  readonly entries: number
}

export function joinLetterCounts(counts: readonly LetterCount[]): LetterCount {
  const discarded = new Map<string, number>()
  for (const { reason, entries } of counts.flatMap(count => count.discarded))
    discarded.set(reason, (discarded.get(reason) ?? 0) + entries)
  return {
    open: counts.reduce((sum, { open }) => sum + open, 0),
    discarded: [...discarded].map(([reason, entries]) => ({ reason, entries })),
  }
}

/** Recognises letters that a range brings again: a re-read, or a range that was taken back. */
export interface LetterIndex {
  /** Catches up with the files, a little at a time, so that a stop is heard in between. */
  learn(signal: AbortSignal): Promise<void>
  /**
   * One fetch of a range. Of letters that are alike it recognises as many as are kept already, and no more: a gateway
   * may well send the same nonsense twice.
   */
  look(): (letter: KeptLetter) => boolean
  /** Letters of a gateway that were brought by requests for some of this range. */
  count(gateway: string, range: TimeRange): LetterCount
  /** Bytes of the letters of a gateway that are not discarded, as of the last look. */
  bytesOf(gateway: string): number
  close(): void
}

/**
 * A file beside the letters, where there is room for them: the folder of SQLite's own temporary files may be small or
 * read-only. It has no name any more, so that it ends with the process. Who may only read the letters has to take the other.
 */
function openTemporary(folder: string): DatabaseSync {
  const path = join(folder, `.index-${process.pid}-${randomUUID().slice(0, 8)}`)
  try {
    const database = new DatabaseSync(path)
    database.exec('PRAGMA journal_mode = MEMORY; CREATE TABLE first (one)')
    // with a journal on the disk SQLite would refuse to write to a file without a name
    rmSync(path)
    return database
  } catch {
    rmSync(path, { force: true })
    return new DatabaseSync('')
  }
}

/**
 * A table of what is in the files: letters may be millions, and memory stays flat (law 6). The files are the truth: where one has gone or become shorter, all of it is read anew.
 */
export function openLetterIndex(folder: string): LetterIndex {
  const database = openTemporary(folder)
  database.exec(`PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF;
    CREATE TABLE kept (hash BLOB, after TEXT, until TEXT, count INTEGER NOT NULL, look INTEGER NOT NULL DEFAULT 0,
      seen INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (hash, after, until)) WITHOUT ROWID;
    CREATE TABLE brought (gateway TEXT, after TEXT, until TEXT, discarded TEXT, count INTEGER NOT NULL,
      PRIMARY KEY (gateway, after, until, discarded)) WITHOUT ROWID`)
  const insert = database.prepare(`INSERT INTO kept (hash, after, until, count) VALUES (?, ?, ?, 1)
    ON CONFLICT DO UPDATE SET count = count + 1`)
  // ISO 8601 in UTC: the order of the texts is the order of time
  const overlapping = database.prepare(`SELECT after, until, count, look, seen FROM kept
    WHERE hash = ? AND after < ? AND until > ? AND (look <> ? OR seen < count) LIMIT 1`)
  const claim = database.prepare('UPDATE kept SET look = ?, seen = ? WHERE hash = ? AND after = ? AND until = ?')
  // requests are far fewer than letters, and a schedule counts in each pass; '' is not discarded
  const add = database.prepare(`INSERT INTO brought (gateway, after, until, discarded, count) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET count = count + excluded.count`)
  const within = database.prepare(`SELECT discarded, sum(count) AS count FROM brought
    WHERE gateway = ? AND until > ? AND after < ? GROUP BY discarded ORDER BY discarded`)
  /** Path → bytes that are in the table. */
  const known = new Map<string, number>()
  const bytes = new Map<string, number>()
  let looks = 0

  function enter({ letter, bytes: line }: LetterLine): void {
    if (letter === undefined) return
    const { gateway, after, until, discarded } = letter
    insert.run(hashOf(letter), after, until)
    // a person has looked at it: it takes no room from those that come
    if (discarded === undefined) bytes.set(gateway, (bytes.get(gateway) ?? 0) + line.length + 1)
  }

  /** One statement a request. */
  function addToRequests(lines: readonly LetterLine[]): void {
    const letters = lines.flatMap(({ letter }) => letter ?? [])
    const requestOf = ({ gateway, after, until, discarded }: KeptLetter) =>
      JSON.stringify([gateway, after, until, discarded?.reason])
    for (const own of Map.groupBy(letters, requestOf).values()) {
      const { gateway, after, until, discarded } = own[0]!
      add.run(gateway, after, until, discarded?.reason ?? '', entriesOf(own))
    }
  }

  function* catchUp(): Generator<void> {
    const sizes = new Map(letterFiles(folder).map(path => [path, statSync(path).size]))
    if ([...known].some(([path, end]) => (sizes.get(path) ?? 0) < end)) {
      known.clear()
      bytes.clear()
      database.exec('DELETE FROM kept; DELETE FROM brought')
    }
    for (const [path, size] of sizes) {
      const from = known.get(path) ?? 0
      if (size === from) continue
      for (const { lines, end } of readLetterLinesFrom(path, from)) {
        database.exec('BEGIN')
        for (const line of lines) enter(line)
        addToRequests(lines)
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
    count(gateway, { after, until }) {
      for (const _ of catchUp());
      const counts = within
        .all(gateway, borderText(after), borderText(until))
        .map(row => ({ reason: String(row['discarded']), entries: Number(row['count']) }))
      return {
        open: counts.find(({ reason }) => reason === '')?.entries ?? 0,
        discarded: counts.filter(({ reason }) => reason !== ''),
      }
    },
    bytesOf: gateway => bytes.get(gateway) ?? 0,
    close: () => database.close(),
  }
}

function entriesOf(letters: readonly KeptLetter[]): number {
  return letters.reduce((sum, { entries = 1 }) => sum + entries, 0)
}

/** Ranges of a question may have no beginning or no end. */
function borderText(ms: number): string {
  if (Number.isFinite(ms)) return isoText(ms)
  return ms < 0 ? '' : '~'
}

/** What makes two letters the same: the words around them do not. */
function hashOf({ gateway, reason, asked, raw, point }: KeptLetter): Buffer {
  const text = JSON.stringify([gateway, reason, asked, raw ?? point])
  return createHash('sha256').update(text).digest().subarray(0, 16)
}
