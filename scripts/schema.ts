import { writeFileSync } from 'node:fs'
import { z } from 'zod'
import { settingsSchema } from '../src/config/schema.ts'
import { durationPattern } from '../src/domain/duration.ts'

/** For editors: draft 7 is what the YAML language server knows best. */
export function schemaText(): string {
  const schema = z.toJSONSchema(settingsSchema, { io: 'input', target: 'draft-7' })
  return `${JSON.stringify({ title: 'smartserver-etl.yaml', ...(withReferences(schema) as object) }, undefined, 2)}\n`
}

/** `${VARIABLE}` may stand for any value: where the schema wants more than just text, it must let that pass too. */
function withReferences(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(withReferences)
  if (typeof node !== 'object' || node === null) return node
  const schema = Object.fromEntries(
    Object.entries(node).map(([key, value]) => [key, key === 'propertyNames' ? value : withReferences(value)]),
  )
  const isNarrowText = schema['type'] === 'string' && ('pattern' in schema || 'enum' in schema || 'allOf' in schema)
  const isNumber = ['integer', 'number', 'boolean'].includes(String(schema['type'])) || 'const' in schema
  if (!isNarrowText && !isNumber) return schema
  const { description, default: standard, ...strict } = schema
  return {
    ...(description === undefined ? {} : { description }),
    ...(standard === undefined ? {} : { default: standard }),
    anyOf: [
      strict,
      ...(strict['pattern'] === durationPattern.source ? [{ const: 0 }] : []),
      { type: 'string', pattern: '\\$\\{' },
    ],
  }
}

if (import.meta.main) writeFileSync(new URL('../config/smartserver-etl.schema.json', import.meta.url), schemaText())
