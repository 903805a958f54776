import type { Selector } from '../domain/datapoint.ts'
import type { ValueType } from '../domain/entry.ts'
import type { Adjustment } from './adjust.ts'
import { reservedTags } from './series.ts'

/** What the entries of some datapoints are called in the database, and what becomes of their values. */
export interface MappingRule extends Adjustment {
  readonly selector: Selector
  readonly measurement: string
  /** In place of `value`; texts then go to `<field>_text`, members of structures to `<field>_<member>`. */
  readonly field: string | undefined
  /** Besides gateway, device, block, index and datapoint, which cannot be changed. */
  readonly tags: Readonly<Record<string, string>>
  /** Numbers for texts: written to `value` beside the text, so that they can be drawn. Other texts go without. */
  readonly enumeration?: Readonly<Record<string, number>> | undefined
  /** Also the health of the device in the text field `health`, where it is not `normal`; even if there is no value. */
  readonly health?: boolean | undefined
  /** What the datapoint logs, where the first value seen should not decide. `any`: now this, now that. */
  readonly type?: ValueType | 'any' | undefined
}

/** Datapoints without a rule of their own. */
export const plainRule: MappingRule = { selector: {}, measurement: 'datalog', field: undefined, tags: {} }

/** Throws a RangeError for what the config must not let through. */
export function assertRule({ measurement, field, tags, scale, offset, enumeration }: MappingRule): void {
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
