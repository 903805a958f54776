import { type Document, isCollection, isScalar, type Pair, visit, type YAMLMap } from 'yaml'
import type { Span } from './excerpt.ts'

/** Wider than the options' own names, since a slip in the name must not show what stands beside it. */
const secretKey = /pas+|pwd|pw$|secret|tok|key$|credential/i

/** The name of a variable is no secret, and what an error about it is about. */
const onlyReference = /^(["']?)\$\{\w+\}\1$/

/**
 * Where the text of a config file holds secrets: values of keys that sound like one, and logins inside addresses.
 * In a file that is no proper YAML the tree cannot be relied on, so there the rest of such lines is hidden too.
 */
export function findSecrets(document: Document, text: string, isReadable: boolean): readonly Span[] {
  const spans: Span[] = []
  visit(document, {
    Map(_, map) {
      for (const i of map.items.keys()) {
        const span = secretSpan(map, i, text)
        if (span !== undefined && !onlyReference.test(text.slice(span.start, span.end))) spans.push(span)
      }
    },
  })
  for (const match of text.matchAll(/:\/\/([^/@\s]*(?:\/[^/@\s]*)?)@/g))
    spans.push({ start: match.index + 3, end: match.index + match[0].length - 1 })
  if (!isReadable) for (const match of text.matchAll(/([\w-]+)["']?[ \t]*[:=](.*)$/gm)) spans.push(...restOfLine(match))
  return spans
}

/**
 * All that belongs to the secret as it was meant: also what YAML takes for an anchor or tag before it, for a comment behind
 * it, or, after a comma in braces, for further keys.
 */
function secretSpan(map: YAMLMap, i: number, text: string): Span | undefined {
  const { key, value } = map.items[i] as Pair<unknown, { range?: [number, number, number] | null } | null>
  if (!isScalar(key) || key.range == null || !secretKey.test(String(key.value))) return undefined
  if (value === null || isCollection(value)) return undefined
  const start = key.range[1] + (/^[ \t]*:?[ \t]*/.exec(text.slice(key.range[1]))?.[0].length ?? 0)
  let end = Math.max(start, value.range?.[1] ?? start)
  const [rest = ''] = text.slice(end).split('\n', 1)
  if (map.flow !== true) return { start, end: /^\s*(#\s.*)?$/.test(rest) ? end : end + rest.length }
  for (const next of map.items.slice(i + 1)) {
    if (next.value !== null || !isScalar(next.key)) break
    end = next.key.range?.[1] ?? end
  }
  return { start, end }
}

function restOfLine(match: RegExpExecArray): Span[] {
  const [all, , rest = ''] = match
  const end = match.index + all.length
  return secretKey.test(all) ? [{ start: end - rest.length, end }] : []
}
