import { InvalidArgumentError } from 'commander'
import { z } from 'zod'
import { nearest } from '../config/nearest.ts'
import { parseDuration } from '../domain/duration.ts'
import { parseBy } from '../simulator/options.ts'

export type Shape = Readonly<Record<string, z.ZodType>>

/** What form the text of an option takes. */
export function formOf(schema: z.ZodType): 'number' | 'flag' | 'list' | 'mapping' | 'text' {
  const inner = withoutDefault(schema)
  if (inner instanceof z.ZodNumber) return 'number'
  if (inner instanceof z.ZodLiteral) return typeof [...inner.values][0] === 'number' ? 'number' : 'text'
  if (inner instanceof z.ZodBoolean) return 'flag'
  if (inner instanceof z.ZodRecord) return 'mapping'
  return inner instanceof z.ZodReadonly ? 'list' : 'text'
}

export function usualOf(schema: z.ZodType): unknown {
  return schema instanceof z.ZodDefault ? schema.def.defaultValue : undefined
}

function withoutDefault(schema: z.ZodType): z.ZodType {
  return schema instanceof z.ZodDefault || schema instanceof z.ZodOptional ? (schema.unwrap() as z.ZodType) : schema
}

/** Reads `name=value`, `name=value,value` for a list or `name.key=value` for a mapping, and adds it to those before. Times are ms or durations. */
export function readMember(schema: z.ZodObject, prefix: string) {
  const shape: Shape = schema.shape
  return (text: string, before: Readonly<Record<string, unknown>> = {}): Record<string, unknown> => {
    const [, path, value] = /^([^=]*)=(.*)$/s.exec(text) ?? []
    if (path === undefined || value === undefined) throw new InvalidArgumentError('Write it as name=value.')
    const [, name = '', key] = /^([^.]*)(?:\.(.+))?$/s.exec(path) ?? []
    const member = Object.hasOwn(shape, name) ? shape[name]! : undefined
    if (member === undefined) throw unknownName(name, Object.keys(shape))
    const form = formOf(member)
    if ((form === 'mapping') !== (key !== undefined))
      throw new InvalidArgumentError(`Write it as ${name}${form === 'mapping' ? '.NAME' : ''}=value.`)
    const read =
      key === undefined ? readAs(form, value) : { ...(before[name] as object), [key]: readItem(member, value) }
    check(z.strictObject({ [prefix + name]: member }), { [prefix + name]: read })
    return { ...before, [name]: read }
  }
}

/** What cannot be read in its form stays a text: the check says what is expected. */
function readAs(form: ReturnType<typeof formOf>, text: string): unknown {
  if (form === 'flag') return text === 'true' ? true : text === 'false' ? false : text
  if (form === 'list') return text.split(',').map(toNumber)
  return form === 'number' ? toNumber(text) : text
}

function readItem(mapping: z.ZodType, text: string): unknown {
  const { valueType } = withoutDefault(mapping) as z.ZodRecord
  return readAs(formOf(valueType as z.ZodType), text)
}

function toNumber(text: string): number | string {
  const value = text.trim() === '' ? Number.NaN : Number(text)
  return Number.isFinite(value) ? value : (parseDuration(text) ?? text)
}

export function readNumber(text: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text)
  if (!Number.isFinite(value)) throw new InvalidArgumentError('A number is needed.')
  return value
}

export function readDuration(text: string): number {
  const value = parseDuration(text.replace(/^-/, ''))
  if (value === undefined) throw new InvalidArgumentError('A duration is needed, as 500ms, 5m or 1h30m.')
  return text.startsWith('-') ? -value : value
}

function unknownName(name: string, known: readonly string[]): InvalidArgumentError {
  const meant = nearest(name, known)
  return new InvalidArgumentError(`There is no "${name}"${meant === undefined ? '' : `; did you mean ${meant}?`}`)
}

function check(schema: z.ZodType, data: unknown): void {
  try {
    parseBy(schema, data)
  } catch (error) {
    if (error instanceof RangeError) throw new InvalidArgumentError(error.message)
    throw error
  }
}
