import type { ErrorCode, YAMLError } from 'yaml'
import type { Span } from './excerpt.ts'
import { hiddenMessage } from './yaml-mistakes.ts'

/** Of an alias that names nothing. */
export const aliasUnknown =
  '* begins an alias in YAML, and no anchor has this name: put text such as "*/*/*/*" in quotes'

const messages: Partial<Record<ErrorCode, string>> = {
  BAD_ALIAS: aliasUnknown,
  BAD_DQ_ESCAPE: 'an escape that double quotes do not know: single quotes take a backslash as it is',
  BAD_INDENT: 'a [ or { is not closed before this line, or the indentation is wrong',
  BLOCK_AS_IMPLICIT_KEY:
    '": " makes a map of this: put text that holds it in quotes, and begin each option in a new line',
  DUPLICATE_KEY: 'duplicate key',
  KEY_OVER_1024_CHARS: 'a key must be shorter than 1024 signs: check the quotes and the colon',
  MULTILINE_IMPLICIT_KEY: 'a key must end with a colon in its own line, with a blank after the colon',
  MULTIPLE_DOCS: 'a second document begins here: only one is read, take out "---" or "..."',
  RESOURCE_EXHAUSTION: 'lists and maps lie too deeply in each other',
  TAB_AS_INDENT: 'a tab as indentation: YAML takes blanks only',
  TAG_RESOLVE_FAILED: 'YAML tags (!…) are not used here: put text that begins with ! in quotes',
}

/** What YAML finds, in our words, or else in the library's without the piece of the file that it quotes: it may be a secret. */
export function yamlMessage({ code, message, pos }: YAMLError, text: string): string {
  const lineStart = text.lastIndexOf('\n', pos[0] - 1) + 1
  const line = text.slice(lineStart, pos[1])
  const hidden = hiddenMessage(text.slice(lineStart).split('\n', 1)[0]!)
  if (hidden !== undefined) return hidden
  if (/[{[,:]\s*\$\{[^"'}]*\}?$/.test(line)) return 'inside { … } or [ … ], put "${…}" in quotes'
  if (code === 'BAD_SCALAR_START') return `text must not begin with ${text[pos[0]] ?? 'this sign'}: put it in quotes`
  if (code === 'MISSING_CHAR' && /^[^\s:]+:\S/.test(text.slice(pos[0]))) return 'a blank is missing after the colon'
  return messages[code] ?? message.replace(/(: |")["'].*$/s, '').replace(/:$/, '')
}

export function yamlErrorSpan({ code, pos: [start, end] }: YAMLError, text: string): Span {
  const inside = Math.min(start, text.length)
  // Of a key that stands twice, the library gives the first sign only.
  if (code === 'DUPLICATE_KEY')
    return { start, end: start + (/^[^\s:,{}[\]]+/.exec(text.slice(start))?.[0].length ?? 1) }
  return { start: inside, end: Math.max(inside, Math.min(end, text.length)) }
}
