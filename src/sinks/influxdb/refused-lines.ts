import type { RefusalCode } from '../sink.ts'

export interface LineRefusal {
  readonly code: RefusalCode
  readonly reason: string
}

/** The lines that the database will not take. All others are sent again: some databases have stored them, some have not. */
export type RefusedLines =
  /** Position in the batch (from 0) → why. */
  | { readonly which: 'named'; readonly named: ReadonlyMap<number, LineRefusal> }
  | ({ readonly which: 'oldest'; readonly count: number } & LineRefusal)
  | ({ readonly which: 'all' } & LineRefusal)
  /** At least one of them, and the answer does not say which. */
  | ({ readonly which: 'some' } & LineRefusal)

export interface Listed {
  readonly error_message?: unknown
  readonly line_number?: unknown
  readonly original_line?: unknown
}

/** `data` of InfluxDB 3: a list (write_lp), or one line alone (v1, accept_partial=false). */
export function listIn(body: string): readonly Listed[] {
  try {
    const { data } = JSON.parse(body) as { data?: unknown }
    return [data].flat().filter((it): it is Listed => typeof it === 'object' && it !== null)
  } catch {
    return []
  }
}

/** Used only where the text is that of our line (cut to 20 bytes): a wrong number must cost nothing. */
export function linesListed(list: readonly Listed[], lines: readonly string[]): RefusedLines | undefined {
  if (list.length === 0) return undefined
  const named = new Map<number, LineRefusal>()
  for (const { line_number, original_line, error_message } of list) {
    const position = Number(line_number) - 1
    const line = lines[position]
    if (line === undefined || typeof original_line !== 'string' || typeof error_message !== 'string') return undefined
    if (original_line === '' || !line.startsWith(original_line.replace(/(\.\.\.|…)$/, ''))) return undefined
    named.set(position, refusalOf(error_message))
  }
  return { which: 'named', named }
}

const quoteStart = "unable to parse '"

/** 1.x and 2.x: `unable to parse 'line': why`, one after the other in the order of the lines. */
export function linesQuoted(text: string, lines: readonly string[]): RefusedLines | undefined {
  const named = new Map<number, LineRefusal>()
  let at = text.indexOf(quoteStart)
  for (let i = 0; i < lines.length && at !== -1; i++) {
    const quoted = `${quoteStart}${lines[i]}': `
    if (!text.startsWith(quoted, at)) continue
    const next = text.indexOf(`\n${quoteStart}`, at + quoted.length)
    named.set(i, refusalOf(text.slice(at + quoted.length, next === -1 ? text.length : next)))
    at = next === -1 ? -1 : next + 1
  }
  return named.size === 0 ? undefined : { which: 'named', named }
}

/**
 * The counts in these messages cannot be believed (a syntax error among good lines says dropped=0), but one thing can:
 * InfluxDB 1.x and 2.x count a point at most once, so that as many dropped as sent means all of them.
 */
export function allOrSome(text: string, lines: number): RefusedLines {
  const dropped = /\bpartial write: .*\bdropped=(\d+)$/s.exec(text)?.[1]
  return { which: Number(dropped ?? -1) >= lines ? 'all' : 'some', ...refusalOf(text) }
}

const beyondRetention =
  /\bpartial write: (?:dropped (\d+) points outside|points beyond) retention policy\b.*?(?:dropped=(\d+))?$/s

/**
 * For this message alone the count is exact, and it counts the oldest lines. It must be believed, since the answer to a
 * line depends on the others: one that is a little too old is kept when a younger one of the batch opens its shard group,
 * and dropped when it is sent alone (measured on 1.6.7 and 2.x).
 */
export function oldestLines(text: string): RefusedLines | undefined {
  const [, of2, of1] = beyondRetention.exec(text) ?? []
  const count = Number(of2 ?? of1 ?? 0)
  return count === 0 ? undefined : { which: 'oldest', count, ...refusalOf(text) }
}

/** Without the count: the same reason for the same fault. */
function refusalOf(text: string): LineRefusal {
  return { code: codeOf(text), reason: short(text.replace(/ dropped=\d+$/, '')) }
}

/** Counted apart, because each has another remedy. The texts of 1.x, 2.x and 3.x. */
function codeOf(text: string): RefusalCode {
  if (/retention p(olicy|eriod)|outside (of )?retention|violates a Retention/i.test(text)) return 'retention'
  if (/field type conflict|already exists as type|invalid (column|field value).*type|expected type/i.test(text))
    return 'type'
  if (/greater than 1MB|max key length exceeded|input field .* is too long/.test(text)) return 'too-large'
  return /value out of range|time outside range/.test(text) ? 'out-of-time' : 'refused'
}

/** For a message that people read. Never matched against: what is cut off may be what matters. */
export function short(text: string): string {
  return text.length > 500 ? `${text.slice(0, 500)}…` : text
}
