import { Writable } from 'node:stream'
import { visible } from '../domain/visible.ts'

/**
 * Where a person reads: results on `out`, all else on `err`, and one live line at the foot of it. All that the program
 * prints goes through here, and whatever it holds, a line stays one line and steers no terminal: names and messages of
 * gateways, databases and files are shown with `\u…` for such signs.
 */
export interface Terminal {
  /** Lines of the result. A line end inside of one does not end it. */
  out(...lines: string[]): void
  /** Lines for the person: not part of the result. */
  say(...lines: string[]): void
  /** Replaces the live line; an empty one removes it. Does nothing where no terminal is attached. */
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

/** The colours of the log. */
const colour = /(\x1b\[[\d;]{0,20}m)/

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
    out: (...lines) => {
      if (shown !== '') stderr.write('\r\x1b[K')
      stdout.write(linesText(lines))
      if (shown !== '') stderr.write(shown)
    },
    say: (...lines) => above(linesText(lines)),
    live: line => {
      const cut = visible(line).slice(0, (stderr.columns ?? 80) - 1)
      if (!isWatched || cut === shown) return
      shown = cut
      stderr.write(`\r\x1b[K${shown}`)
    },
    logStream: new Writable({
      decodeStrings: false,
      write(chunk, _encoding, done) {
        above(String(chunk).split('\n').map(logLine).join('\n'))
        done()
      },
    }),
  }
}

function linesText(lines: readonly string[]): string {
  return lines.map(line => `${visible(line)}\n`).join('')
}

function logLine(line: string): string {
  const parts = line.split(colour)
  return parts.map((part, i) => (i % 2 === 1 ? part : visible(part))).join('')
}
