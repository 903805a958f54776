import { type DatapointName, type Selector, selectorMatches, selectorPrecision } from '../domain/datapoint.ts'
import type { LogEntry, Rejection } from '../domain/entry.ts'
import type { Point, Series } from '../domain/point.ts'
import { type FieldNames, fieldNames, fieldsOf, notUnicode } from './fields.ts'
import { openRoutes } from './routes.ts'
import { openSeriesPool, reservedTags } from './series.ts'

/** What the entries of some datapoints are called in the database. */
export interface MappingRule {
  readonly selector: Selector
  readonly measurement: string
  /** In place of `value`; texts then go to `<field>_text`, members of structures to `<field>_<member>`. */
  readonly field: string | undefined
  /** Besides gateway, device, block, index and datapoint, which cannot be changed. */
  readonly tags: Readonly<Record<string, string>>
}

export interface Mapping {
  /** The same entry gives the same point, always (law 4). Undefined: its value is null, there is nothing to write. */
  map(entry: LogEntry): Point | Rejection | undefined
  /** The series an entry of this datapoint goes to: what `Sink.count` and `Sink.read` are asked for. */
  seriesOf(datapoint: DatapointName): Series | Rejection
}

/** Where the entries of one datapoint go; or why they cannot. */
type Route = { readonly series: Series; readonly names: FieldNames } | Rejection

/** Datapoints without a rule of their own. */
const plainRule: MappingRule = { selector: {}, measurement: 'datalog', field: undefined, tags: {} }

/** Throws a RangeError for a rule that the config must not let through: a reserved or empty tag, an empty name. */
export function compileMapping(gateway: string, rules: readonly MappingRule[]): Mapping {
  for (const rule of rules) assertRule(rule)
  // Closest first; sort() is stable, so that the first in order wins among equals.
  const ordered = rules.toSorted((a, b) => selectorPrecision(b.selector) - selectorPrecision(a.selector))
  const pool = openSeriesPool()

  function routeOf(datapoint: DatapointName): Route {
    const rule = ordered.find(({ selector }) => selectorMatches(selector, datapoint)) ?? plainRule
    const names = [gateway, datapoint.device, datapoint.block, datapoint.name]
    if (!names.every(name => name.isWellFormed())) return notUnicode('the name of the datapoint')
    const device = rule.selector.device
    const series = pool.intern(rule.measurement, {
      ...rule.tags,
      gateway,
      device: device !== undefined && 'id' in device ? device.as : datapoint.device,
      block: datapoint.block,
      index: String(datapoint.index),
      datapoint: datapoint.name,
    })
    return { series, names: fieldNames(rule.field) }
  }
  const routes = openRoutes(routeOf)

  return {
    map({ datapoint, at, value }) {
      const route = routes.find(datapoint)
      if ('reason' in route) return route
      const mapped = fieldsOf(value, route.names)
      if (mapped === undefined || 'reason' in mapped) return mapped
      return { series: route.series, at, fields: mapped.fields }
    },
    seriesOf(datapoint) {
      const route = routes.find(datapoint)
      return 'reason' in route ? route : route.series
    },
  }
}

function assertRule({ measurement, field, tags }: MappingRule): void {
  if (measurement === '' || field === '') throw new RangeError('a measurement and a field have a name')
  if (field === 'time' || field?.startsWith('_')) throw new RangeError(`InfluxDB takes no field ${field}`)
  for (const [key, value] of Object.entries(tags)) {
    if (reservedTags.has(key)) throw new RangeError(`the tag ${key} is given by the datapoint`)
    if (key === '' || value === '') throw new RangeError(`the tag "${key}" has no name or no value`)
    if (key === 'time' || key.startsWith('_')) throw new RangeError(`InfluxDB takes no tag ${key}`)
  }
}
