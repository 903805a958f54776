import { type Document, isScalar, visit } from 'yaml'
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
    Pair(_, { key, value }) {
      if (isScalar(key) && secretKey.test(String(key.value)) && isScalar(value) && value.range) {
        const [start, end] = value.range
        if (!onlyReference.test(text.slice(start, end))) spans.push({ start, end })
      }
    },
  })
  for (const match of text.matchAll(/:\/\/([^/@\s]*(?:\/[^/@\s]*)?)@/g))
    spans.push({ start: match.index + 3, end: match.index + match[0].length - 1 })
  if (!isReadable) for (const match of text.matchAll(/([\w-]+)["']?[ \t]*[:=](.*)$/gm)) spans.push(...restOfLine(match))
  return spans
}

function restOfLine(match: RegExpExecArray): Span[] {
  const [all, , rest = ''] = match
  const end = match.index + all.length
  return secretKey.test(all) ? [{ start: end - rest.length, end }] : []
}
