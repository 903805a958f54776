import type { DatapointConfig } from '../config/datapoint.ts'
import type { LogEntry, LoggedValue } from '../domain/entry.ts'
import { deepest } from './fields.ts'

/** How a value is changed before it is written; nothing of it by default. */
type Adjustment = Pick<DatapointConfig, 'scale' | 'offset' | 'localized' | 'invalid'>

/** Undefined where there is nothing to change: the common case costs nothing. */
export function compileAdjustment(rule: Adjustment): ((entry: LogEntry) => LoggedValue | undefined) | undefined {
  const { scale = 1, offset = 0, localized = false } = rule
  const invalid = new Set((rule.invalid ?? []).flatMap(bothForms))
  if (scale === 1 && offset === 0 && !localized && invalid.size === 0) return undefined

  /** What is nested too deep stays as it is: `fieldsOf` rejects it. */
  function valid(value: LoggedValue, depth = 0): LoggedValue {
    if (typeof value === 'number' || typeof value === 'string') return invalid.has(value) ? null : value
    if (typeof value !== 'object' || value === null || depth > deepest) return value
    if (Array.isArray(value)) return value.map(inner => valid(inner, depth + 1))
    return Object.fromEntries(Object.entries(value).map(([member, inner]) => [member, valid(inner, depth + 1)]))
  }

  /** Undefined: the entry has a value, but none for people. */
  return ({ value: raw, localized: shown }) => {
    let value = invalid.size === 0 ? raw : valid(raw)
    if (localized && value !== null) {
      // An empty text stands for "none" on the log socket (protocol §3.1).
      if (shown === undefined || shown === null || shown === '') return undefined
      value = invalid.size === 0 ? shown : valid(shown)
    }
    return typeof value === 'number' && (scale !== 1 || offset !== 0) ? value * scale + offset : value
  }
}

/** Some devices send NaN and the infinities as bare words, others as texts: a rule that names one means both. */
function bothForms(invalid: number | string): (number | string)[] {
  if (typeof invalid === 'number') return Number.isFinite(invalid) ? [invalid] : [invalid, String(invalid)]
  if (/^nan$/i.test(invalid)) return [invalid, Number.NaN]
  const [, minus] = /^(-?)inf(?:inity)?$/i.exec(invalid) ?? []
  if (minus === undefined) return [invalid]
  return [invalid, minus === '' ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY]
}
