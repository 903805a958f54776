import { measurementName, nameText } from '../line-protocol/names.ts'
import { influxqlRows, quoteName } from './influxql.ts'
import type { QueryContext } from './query.ts'

/**
 * Fields that hold more than one type: each shard fixes its own, and a query sees only one of them (measured on 1.6.7).
 * Integers are named too, since numbers are written as floats and would be refused; and so is a single type that is not
 * ours in a field that is: an old shard takes ours with a 204, and queries do not see them.
 */
export async function conflictingFields(context: QueryContext): Promise<readonly string[]> {
  const ours = ourTypes(context)
  const from = context.measurements.map(name => quoteName(measurementName(name))).join(', ')
  const types = new Map<string, string[]>()
  for (const { name, values } of await influxqlRows(context, `SHOW FIELD KEYS FROM ${from}`))
    for (const [field, type] of values) {
      const key = `${field} of ${name}`
      types.set(key, [...(types.get(key) ?? []), String(type)])
    }
  return [...types].flatMap(([field, found]) => {
    if (found.length > 1)
      return [`The field ${field} holds ${found.join(' and ')}: queries see one of them only. ${wayOut}`]
    const [type = ''] = found
    if (type === 'integer' || type === 'unsigned')
      return [`The field ${field} holds ${type} numbers and would refuse ours (float). ${wayOut}`]
    const wanted = ours(field)
    if (wanted !== undefined && type !== wanted)
      return [
        `The field ${field} holds ${type}; ours (${wanted}) would be refused there, or taken and hidden. ${wayOut}`,
      ]
    return []
  })
}

const wayOut = 'Write to another measurement, or give the datapoint another field name.'

/** The type of a field (`kw of energy`) whose name is ours; undefined: a name that others may use as they like. */
function ourTypes({ measurements, numberFields }: QueryContext): (field: string) => 'float' | 'string' | undefined {
  const numbers = new Set(measurements.map(name => `value of ${measurementName(name)}`))
  const texts = new Set(measurements.flatMap(name => ['text', 'health'].map(it => `${it} of ${measurementName(name)}`)))
  for (const { measurement, field } of numberFields) {
    numbers.add(`${nameText(field)} of ${measurementName(measurement)}`)
    texts.add(`${nameText(`${field}_health`)} of ${measurementName(measurement)}`)
  }
  return field => {
    if (numbers.has(field)) return 'float'
    return texts.has(field) || field.slice(0, field.lastIndexOf(' of ')).endsWith('_text') ? 'string' : undefined
  }
}
