import { measurementName, nameText } from '../line-protocol/names.ts'
import { fieldTypes } from './influxql.ts'
import type { QueryContext } from './query.ts'
import { columnsOf, isTag } from './sql.ts'

const remedy = 'Write to another measurement, or give the datapoint another field name.'

/**
 * Fields that hold more than one type: each shard fixes its own, and a query that does not name the type sees only one of them (measured on 1.6.7).
 * Integers are named too, since numbers are written as floats and would be refused; and so is a single type that is not
 * ours in a field that is: an old shard takes ours with a 204, and queries do not see them.
 */
export async function conflictingFields(context: QueryContext): Promise<readonly string[]> {
  const ours = ourTypes(context)
  return [...(await fieldTypes(context, context.measurements))].flatMap(([measurement, fields]) =>
    [...fields].flatMap(([name, types]) => {
      const field = `${name} of ${measurement}`
      return typeConflict(field, types, ours(field))
    }),
  )
}

function typeConflict(field: string, found: readonly string[], wanted: 'float' | 'string' | undefined): string[] {
  if (found.length > 1)
    return [`The field ${field} holds ${found.join(' and ')}: queries see one of them only. ${remedy}`]
  const [type = ''] = found
  if (type === 'integer' || type === 'unsigned')
    return [`The field ${field} holds ${type} numbers and would refuse ours (float). ${remedy}`]
  if (wanted === undefined || type === wanted) return []
  return [`The field ${field} holds ${type}; ours (${wanted}) would be refused there, or taken and hidden. ${remedy}`]
}

/** Of 500 in InfluxDB 3; they are never given back. */
const manyColumns = 450

const columnTypes: Readonly<Record<string, string>> = {
  Float64: 'float',
  Utf8: 'string',
  Boolean: 'boolean',
  Int64: 'integer',
  UInt64: 'unsigned',
}

/** InfluxDB 3: as above, and a name is a tag or a field of a table, never both. */
export async function conflictingColumns(context: QueryContext): Promise<readonly string[]> {
  const ours = ourTypes(context)
  const tags = new Set(context.tagNames.map(nameText))
  const found: string[] = []
  for (const measurement of context.measurements) {
    const table = measurementName(measurement)
    const columns = await columnsOf(context, table)
    if (columns.length >= manyColumns)
      found.push(`The table ${table} has ${columns.length} of 500 columns. Give some datapoints another measurement.`)
    for (const column of columns) {
      const { column_name: name, data_type } = column
      if (name === 'time') continue
      const field = `${name} of ${table}`
      const wanted = ours(field)
      if (isTag(column)) {
        if (wanted !== undefined)
          found.push(`${field} is a tag there and a field of ours: every point with it would be refused. ${remedy}`)
      } else if (tags.has(name))
        found.push(
          `${field} is a field there and a tag of ours: every point would be refused. Give the tag another name.`,
        )
      else found.push(...typeConflict(field, [columnTypes[data_type] ?? data_type], wanted))
    }
  }
  return found
}

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
