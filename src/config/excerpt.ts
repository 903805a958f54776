import type { Excerpt } from './problem.ts'

/** Offsets into the file's text, end excluded. */
export interface Span {
  readonly start: number
  readonly end: number
}

const blot = '•••'

/** The line around `span.start` with secrets blotted out, and where in it the carets go. */
export function excerptAt(text: string, span: Span, secrets: readonly Span[]): Excerpt {
  const lineStart = text.lastIndexOf('\n', span.start - 1) + 1
  const newline = text.indexOf('\n', span.start)
  const lineEnd = newline === -1 ? text.length : newline
  let shown = ''
  /** Where each character of the line stands in what is shown. */
  const columns: number[] = []
  for (let i = lineStart; i < lineEnd; ) {
    const secret = secrets.find(({ start, end }) => start <= i && i < end)
    const next = secret === undefined ? i + 1 : Math.min(secret.end, lineEnd)
    for (let k = i; k < next; k++) columns.push(shown.length)
    shown += secret === undefined ? text[i] : blot
    i = next
  }
  columns.push(shown.length)
  const at = columns[span.start - lineStart] ?? shown.length
  const end = columns[Math.min(span.end, lineEnd) - lineStart] ?? shown.length
  return cut({ text: shown.trimEnd(), at, length: Math.max(1, end - at) })
}

/** A line may be a whole file: so much of it is shown before the spot, and in all. */
const mostBefore = 80
const mostShown = 200

function cut({ text, at, length }: Excerpt): Excerpt {
  if (text.length <= mostShown) return { text, at, length }
  const from = Math.max(0, at - mostBefore)
  const part = text.slice(from, from + mostShown)
  const ending = from + mostShown < text.length ? '…' : ''
  const lead = from === 0 ? '' : '…'
  const start = lead.length + at - from
  const most = Math.max(1, lead.length + part.length - start)
  return { text: `${lead}${part}${ending}`, at: start, length: Math.min(length, most) }
}
