import type { LoggedValue, Rejection } from '../domain/entry.ts'
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
export const deepest = 8
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
