import type { DatapointConfig } from '../config/datapoint.ts'
import { reservedTags } from './series.ts'

/** Datapoints without a rule of their own. */
export const plainRule: DatapointConfig = { selector: {}, measurement: 'datalog', field: undefined, tags: {} }

/** Throws a RangeError for what the config must not let through. */
export function assertRule({ measurement, field, tags, scale, offset, enumeration }: DatapointConfig): void {
  if (measurement === '' || field === '') throw new RangeError('a measurement and a field have a name')
  if (field === 'time' || field?.startsWith('_')) throw new RangeError(`InfluxDB takes no field ${field}`)
  for (const [key, value] of Object.entries(tags)) {
    if (reservedTags.has(key)) throw new RangeError(`the tag ${key} is given by the datapoint`)
    if (key === '' || value === '') throw new RangeError(`the tag "${key}" has no name or no value`)
    if (key === 'time' || key.startsWith('_')) throw new RangeError(`InfluxDB takes no tag ${key}`)
  }
  const numbers = [scale ?? 1, offset ?? 0, ...Object.values(enumeration ?? {})]
  if (scale === 0 || !numbers.every(Number.isFinite))
    throw new RangeError('scale, offset and the numbers of an enumeration are finite, and scale is not 0')
}
