import { Writable } from 'node:stream'

/** Where a person reads: results on `out`, all else on `err`, and one live line at the foot of it. */
export interface Terminal {
  /** A line of the result. */
  out(line: string): void
  /** A line for the person: not part of the result. */
  say(line: string): void
  /** Replaces the live line; an empty one removes it. Does nothing where nobody watches. */
  live(line: string): void
  /** True if `err` is a terminal that a person watches. */
  readonly isWatched: boolean
  readonly columns: number
  /** For the log: keeps the live line at the foot. */
  readonly logStream: Writable
}

interface Screen {
  write(text: string): unknown
  readonly isTTY?: boolean
  readonly columns?: number
}

export function createTerminal(stdout: Screen, stderr: Screen): Terminal {
  const isWatched = stderr.isTTY === true
  let shown = ''
  const above = (text: string) => {
    if (shown === '') stderr.write(text)
    else stderr.write(`\r\x1b[K${text}${shown}`)
  }
  return {
    isWatched,
    get columns() {
      return stderr.columns ?? 100
    },
    out: line => {
      if (shown !== '') stderr.write('\r\x1b[K')
      stdout.write(`${line}\n`)
      if (shown !== '') stderr.write(shown)
    },
    say: line => above(`${line}\n`),
    live: line => {
      if (!isWatched || line === shown) return
      shown = line.slice(0, (stderr.columns ?? 80) - 1)
      stderr.write(`\r\x1b[K${shown}`)
    },
    logStream: new Writable({
      decodeStrings: false,
      write(chunk, _encoding, done) {
        above(String(chunk))
        done()
      },
    }),
  }
}
