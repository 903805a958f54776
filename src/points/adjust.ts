import type { LogEntry, LoggedValue } from '../domain/entry.ts'

/** How a value is changed before it is written; nothing of it by default. */
export interface Adjustment {
  /** `value × scale + offset`, for plain numbers; members of structures stay as they are. */
  readonly scale?: number | undefined
  readonly offset?: number | undefined
  /** The value in the gateway's display units and language. */
  readonly localized?: boolean | undefined
  /** Numbers that mean "no value" (327.67 of many LonWorks types), before scale and offset; also within structures. */
  readonly invalid?: readonly number[] | undefined
}

/** Undefined where there is nothing to change: the common case costs nothing. */
export function compileAdjustment(rule: Adjustment): ((entry: LogEntry) => LoggedValue | undefined) | undefined {
  const { scale = 1, offset = 0, localized = false } = rule
  const invalid = new Set(rule.invalid)
  if (scale === 1 && offset === 0 && !localized && invalid.size === 0) return undefined

  function valid(value: LoggedValue): LoggedValue {
    if (typeof value === 'number') return invalid.has(value) ? null : value
    if (typeof value !== 'object' || value === null) return value
    if (Array.isArray(value)) return value.map(valid)
    return Object.fromEntries(Object.entries(value).map(([member, inner]) => [member, valid(inner)]))
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
