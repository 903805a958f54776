import { describe, expect, it } from 'vitest'
import { createLog } from '../../../src/cli/log.ts'
import { createTerminal } from '../../../src/cli/terminal.ts'

/** One screen for both streams, as a person sees it: `\r` goes to the line's begin, `\x1b[K` clears from there. */
function openScreen({ isTTY = true, columns = 20 } = {}) {
  const lines = ['']
  let column = 0
  const written = { out: '', err: '' }
  const show = (text: string) => {
    for (const part of text.split(/(\r|\n|\x1b\[K)/)) {
      const line = lines.at(-1)!
      if (part === '\r') column = 0
      else if (part === '\n') {
        lines.push('')
        column = 0
      } else if (part === '\x1b[K') lines[lines.length - 1] = line.slice(0, column)
      else {
        lines[lines.length - 1] = line.slice(0, column) + part + line.slice(column + part.length)
        column += part.length
      }
    }
  }
  const stream = (name: 'out' | 'err') => ({
    write: (text: string) => {
      written[name] += text
      show(text)
    },
    isTTY,
    columns,
  })
  const terminal = createTerminal(stream('out'), stream('err'))
  return { terminal, lines, written }
}

describe('the terminal', () => {
  it('keeps the live line at the foot, below results, words and logs', () => {
    const { terminal, lines } = openScreen()
    terminal.live('10 %')
    terminal.out('a result')
    terminal.say('a word')
    terminal.logStream.write('a log line\n')
    terminal.live('20 %')
    expect(lines).toEqual(['a result', 'a word', 'a log line', '20 %'])
    terminal.live('')
    expect(lines).toEqual(['a result', 'a word', 'a log line', ''])
    terminal.out('the end')
    expect(lines).toEqual(['a result', 'a word', 'a log line', 'the end', ''])
  })

  it('cuts the live line to one row, since a longer one could not be taken back', () => {
    const { terminal, lines } = openScreen({ columns: 10 })
    terminal.live('x'.repeat(50))
    terminal.live('short')
    expect(lines).toEqual(['short'])
    terminal.live('y'.repeat(50))
    expect(lines).toEqual(['y'.repeat(9)])
  })

  it('has no live line and no control signs without a terminal', () => {
    const { terminal, written } = openScreen({ isTTY: false })
    terminal.live('10 %')
    terminal.out('a result')
    terminal.say('a word')
    terminal.live('')
    expect(terminal.isWatched).toBe(false)
    expect(written).toEqual({ out: 'a result\n', err: 'a word\n' })
  })

  it('gives results alone to standard output: they can be piped', () => {
    const { terminal, written } = openScreen()
    terminal.live('10 %')
    terminal.say('a word')
    terminal.logStream.write('a log line\n')
    terminal.out('a result')
    expect(written.out).toBe('a result\n')
  })

  it('shows signs that steer it, and ends a line only where we do', () => {
    const { terminal, written } = openScreen({ columns: 40 })
    terminal.out('a\nEQUAL', '\u001b[2J\u009b\u202e')
    terminal.say('\u0007', '\tb')
    terminal.live('c\n\u001b[A')
    terminal.live('')
    expect(written.out).toBe('a\\u000aEQUAL\n\\u001b[2J\\u009b\\u202e\n')
    expect(written.err.replaceAll('\r\x1b[K', '')).toBe('\\u0007\n\tb\nc\\u000a\\u001b[A')
  })

  it.each([true, false])('shows them in the log too, watched or not (%s)', isTTY => {
    const { terminal, written } = openScreen({ isTTY, columns: 200 })
    const log = createLog('info', terminal)
    const evil = 'a\nEQUAL \u001b[2J \u009b \u202e'
    log.info({ gateway: evil, [evil]: [evil], within: { [evil]: evil } }, evil)
    log.error({ err: new Error(evil) }, 'this is a bug')
    const plain = written.err.replaceAll(/\x1b\[\d\dm/g, '')
    expect(plain.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u202e]/u)
    if (!isTTY) expect(JSON.parse(plain.split('\n')[0]!)).toMatchObject({ gateway: evil, msg: evil })
  })
})
