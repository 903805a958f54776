import type { DatapointConfig } from '../config/datapoint.ts'
import type { LogEntry, LoggedValue, Rejection } from '../domain/entry.ts'
import type { FieldValue } from '../domain/point.ts'
import { reservedTags } from './series.ts'

type Fields = Record<string, FieldValue>

/** Wrapped, since a structure may well have a member called `reason`. */
type FieldsResult = { readonly fields: Fields } | Rejection | undefined

/** How the fields of one rule are called: each kind of value has its own, because a field's type is fixed in the database. */
export interface FieldNames {
  readonly number: string
  readonly text: string
  readonly health: string
  /** What the members of a structure begin with; empty where the rule names no field. */
  readonly prefix: string
  /** Names of tags: InfluxDB cannot tell a field of the same name from them. */
  readonly tags: ReadonlySet<string>
}

/** Deeper or wider than any structure a device could log: not a value but a mistake or an attack. */
const deepest = 8
const widest = 256

export function fieldNames(field: string | undefined, tags: ReadonlySet<string> = reservedTags): FieldNames {
  return field === undefined
    ? { number: 'value', text: 'text', health: 'health', prefix: '', tags }
    : { number: field, text: `${field}_text`, health: `${field}_health`, prefix: field, tags }
}

/**
 * Numbers stay numbers, booleans become 1 and 0, texts have a field of their own, structures one field a member.
 * Undefined: there is nothing to write (null, or a structure of nulls).
 */
export function fieldsOf(value: LoggedValue, names: FieldNames): FieldsResult {
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) return notFinite(names.number, value)
    return { fields: names.number === 'value' ? { value } : { [names.number]: value } }
  }
  if (value === null) return undefined
  if (typeof value === 'boolean') return { fields: { [names.number]: value ? 1 : 0 } }
  if (typeof value === 'string')
    return value.isWellFormed() ? { fields: { [names.text]: value } } : notUnicode(names.text)
  const fields: Fields = {}
  const prefix = names.prefix === '' && Array.isArray(value) ? 'value' : names.prefix
  return addMembers(fields, value, prefix, names.tags, 1) ?? (isEmpty(fields) ? undefined : { fields })
}

/** Adds one field for each leaf; returns what is wrong, or undefined. */
function addMembers(
  fields: Fields,
  members: object,
  prefix: string,
  tags: FieldNames['tags'],
  depth: number,
): Rejection | undefined {
  if (depth > deepest) return rejection('too-deep', `The structure is nested more than ${deepest} deep.`)
  // An array's keys are its positions.
  for (const [key, value] of Object.entries(members) as [string, LoggedValue][]) {
    if (value === null) continue
    if (key === '') return rejection('empty-name', 'A member of the structure has an empty name.')
    const name = prefix === '' ? key : `${prefix}_${key}`
    const wrong =
      typeof value === 'object'
        ? addMembers(fields, value, name, tags, depth + 1)
        : addLeaf(fields, typeof value === 'string' ? `${name}_text` : name, value, tags)
    if (wrong !== undefined) return wrong
  }
  return undefined
}

function addLeaf(
  fields: Fields,
  name: string,
  value: number | string | boolean,
  tags: FieldNames['tags'],
): Rejection | undefined {
  if (!name.isWellFormed()) return notUnicode('a member name')
  const free = freeName(name, tags)
  if (Object.hasOwn(fields, free))
    return rejection('ambiguous-field', `Two members of the structure give the field ${free}.`)
  if (typeof value === 'number' && !Number.isFinite(value)) return notFinite(free, value)
  if (typeof value === 'string' && !value.isWellFormed()) return notUnicode(free)
  fields[free] = typeof value === 'boolean' ? (value ? 1 : 0) : value
  return Object.keys(fields).length > widest
    ? rejection('too-wide', `The structure has more than ${widest} members.`)
    : undefined
}

/**
 * InfluxDB takes no field `time`, keeps names that begin with `_` for itself, and a query cannot tell a field from a tag
 * of the same name, in any point of the measurement: those get `value` in front.
 * (That also keeps a member `__proto__` what it is: a name.)
 */
function freeName(name: string, tags: FieldNames['tags']): string {
  if (name === 'time' || tags.has(name)) return `value_${name}`
  return name.startsWith('_') ? `value${name}` : name
}

export function isEmpty(fields: Fields): boolean {
  for (const _ in fields) return false
  return true
}

function notFinite(field: string, value: number): Rejection {
  return rejection(
    'not-finite',
    `The number for ${field} is ${value}, which no database can store. If it means "no value", set invalid: ${value} for the datapoint.`,
  )
}

/** A lone surrogate has no UTF-8: it would be stored as another text than was logged. */
export function notUnicode(what: string): Rejection {
  return rejection('not-unicode', `The text for ${what} is not valid Unicode.`)
}

export function rejection(reason: string, detail: string): Rejection {
  return { reason, detail }
}

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
