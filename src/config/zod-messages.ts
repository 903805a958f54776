import type { z } from 'zod'

/** An issue with unions resolved: the trouble with the form that was meant, not with the forms that were not. */
export interface Fault {
  readonly path: readonly (string | number)[]
  /** Where the place in the path is not in the file, this key beside it is the one to point at. */
  readonly instead: string | undefined
  /** The key is wrong rather than its value. */
  readonly atKey: boolean
  readonly message: string
}

export function faultsOf(issues: readonly z.core.$ZodIssue[], above: Fault['path'] = []): Fault[] {
  const otherForms = issues.filter(({ code }) => code === 'invalid_type').map(({ path }) => path.join('\n'))
  return issues.flatMap(issue => {
    // What is no text at all has no length either: once is enough.
    if (issue.code === 'too_small' && otherForms.includes(issue.path.join('\n'))) return []
    const path = [...above, ...issue.path.filter(part => typeof part !== 'symbol')]
    const fault = { path, instead: undefined, atKey: false, message: issue.message }
    if (issue.code === 'unrecognized_keys') {
      const messages = issue.message.split('\n')
      return issue.keys.map((key, i) => ({
        ...fault,
        path: [...path, key],
        atKey: true,
        message: messages[i] ?? issue.message,
      }))
    }
    if (issue.code === 'invalid_key')
      return { ...fault, atKey: true, message: issue.issues[0]?.message ?? issue.message }
    if (issue.code === 'invalid_union') {
      const meant = issue.errors.filter(
        branch => !branch.some(({ code, path: at }) => at.length === 0 && isOtherForm(code)),
      )
      return meant.length === 1 ? faultsOf(meant[0]!, path) : fault
    }
    if (issue.code === 'custom' && typeof issue.params?.['instead'] === 'string')
      return { ...fault, instead: issue.params['instead'] }
    return fault
  })
}

function isOtherForm(code: string): boolean {
  return code === 'invalid_type' || code === 'invalid_value'
}

/** Plain words for what the schema itself says nothing about. Never shows the value: it may be a secret (law 12). */
export function zodMessage(issue: z.core.$ZodRawIssue): string | undefined {
  if (
    issue.input === undefined &&
    (issue.code === 'invalid_type' || issue.code === 'invalid_union' || issue.code === 'invalid_value')
  ) {
    const name = issue.path?.at(-1)
    return typeof name === 'string' ? `${JSON.stringify(name)} is missing` : 'a value is missing'
  }
  if (issue.code === 'invalid_type') {
    return `expected ${words[issue.expected] ?? issue.expected}, got ${formOf(issue.input)}${hintOf(issue.expected, issue.input)}`
  }
  if (issue.code === 'too_small') {
    if (issue.origin === 'string') return 'must not be empty'
    return issue.origin === 'array' ? 'at least one is needed' : `must be at least ${issue.minimum}`
  }
  if (issue.code === 'too_big') return `must be at most ${issue.maximum}`
  if (issue.code === 'invalid_value') return `expected ${issue.values.map(String).join(' or ')}`
  return undefined
}

/** The form that is meant. */
function hintOf(expected: string, input: unknown): string {
  const isPlain = typeof input === 'number' || typeof input === 'boolean'
  if (expected === 'string' && isPlain) return ': put it in quotes'
  if (typeof input !== 'string') return ''
  if (expected === 'boolean' && /^(yes|no|on|off|y|n)$/i.test(input)) return ': write true or false'
  const isGrouped = /^[-+−]?\d[\d.,_'’ \u00a0\u202f]*\d$/.test(input)
  return (expected === 'number' || expected === 'int') && isGrouped
    ? ': write a number as 1234.5, with a decimal point and nothing between the thousands'
    : ''
}

const words: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'a map (key: value)',
  record: 'a map (key: value)',
  array: 'a list (- item)',
}

function formOf(value: unknown): string {
  if (value === null) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'number' && !Number.isFinite(value)) return 'NaN or infinity'
  const forms = { string: 'text', number: 'a number', boolean: 'true or false', object: 'a map' }
  return forms[typeof value as keyof typeof forms] ?? 'something else'
}
