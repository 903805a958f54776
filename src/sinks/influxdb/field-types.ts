import { influxqlRows, quoteName } from './influxql.ts'
import { measurementName } from './line-protocol.ts'
import type { Question } from './question.ts'

/**
 * Fields that hold more than one type: each shard fixes its own, and a query sees only one of them (measured on 1.6.7).
 * Integers are named too, since numbers are written as floats and would be refused.
 */
export async function conflictingFields(
  question: Question,
  measurements: readonly string[],
): Promise<readonly string[]> {
  const from = measurements.map(name => quoteName(measurementName(name))).join(', ')
  const types = new Map<string, string[]>()
  for (const { name, values } of await influxqlRows(question, `SHOW FIELD KEYS FROM ${from}`))
    for (const [field, type] of values) {
      const key = `${field} of ${name}`
      types.set(key, [...(types.get(key) ?? []), String(type)])
    }
  return [...types].flatMap(([field, found]) => {
    if (found.length > 1)
      return [
        `The field ${field} holds ${found.join(' and ')}: queries see one of them only. Write to another measurement, or give the datapoint another field name.`,
      ]
    if (found[0] === 'integer' || found[0] === 'unsigned')
      return [
        `The field ${field} holds ${found[0]} numbers and would refuse ours (float). Write to another measurement, or give the datapoint another field name.`,
      ]
    return []
  })
}
