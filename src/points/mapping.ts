import type { DatapointConfig } from '../config/datapoint.ts'
import { type DatapointName, selectorMatches, selectorPrecision } from '../domain/datapoint.ts'
import type { LogEntry, LoggedValue, Rejection } from '../domain/entry.ts'
import { type Point, type Series, withoutTexts } from '../domain/point.ts'
import { compileAdjustment, type FieldNames, fieldNames, fieldsOf, isEmpty, notUnicode, rejection } from './fields.ts'
import { createRoutes, mostDatapoints } from './routes.ts'
import { createSeriesPool, reservedTags } from './series.ts'
import { createPin, type Pin, type TypePins, typeOf } from './value-type.ts'

export interface Mapping {
  /** The same entry gives the same point, always (law 4). Undefined: its value is null, there is nothing to write. */
  map(entry: LogEntry): Point | Rejection | undefined
  /** Makes durable what kinds of values it has seen: to be called before the points that depend on it are written. */
  keepPins(): void
  /** The series an entry of this datapoint goes to: what `Sink.count` and `Sink.read` are asked for. */
  seriesOf(datapoint: DatapointName): Series | Rejection
}

/** Where the entries of one datapoint go, and how. */
interface Destination {
  readonly series: Series
  readonly names: FieldNames
  readonly pin: Pin
  readonly adjust: ReturnType<typeof compileAdjustment>
  readonly enumeration: ReadonlyMap<string, number> | undefined
  readonly health: boolean
  /** Numbers are written as texts, with all their digits. */
  readonly asText: boolean
  readonly withoutTexts: boolean
}

/**
 * Throws a RangeError for a rule that the config must not let through: a reserved or empty tag, an empty name.
 * Without `pins` any kind of value is taken from any datapoint whose kind is not configured. `warn` is called once, where
 * the gateway names more datapoints than it can have.
 */
export function compileMapping(
  gateway: string,
  rules: readonly DatapointConfig[],
  pins?: TypePins,
  warn: (message: string) => void = () => {},
): Mapping {
  for (const rule of rules) assertRule(rule)
  // Closest first; sort() is stable, so that the first in order wins among equals.
  const ordered = rules.toSorted((a, b) => selectorPrecision(b.selector) - selectorPrecision(a.selector))
  const pool = createSeriesPool()
  const tagNames = tagNamesOf(rules)

  function destinationOf(datapoint: DatapointName): Destination | Rejection {
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
    return {
      series,
      names: fieldNames(rule.field, tagNames.get(rule.measurement)),
      pin: createPin(datapoint, rule.type, pins),
      adjust: compileAdjustment(rule),
      enumeration: rule.enumeration && new Map(Object.entries(rule.enumeration)),
      health: rule.health ?? false,
      asText: rule.type === 'text',
      withoutTexts: rule.text === 'off',
    }
  }
  let isFull = false
  const beyond = (): Rejection => {
    if (!isFull) warn(tooManyDatapoints)
    isFull = true
    return rejection('too-many-datapoints', tooManyDatapoints)
  }
  const routes = createRoutes<Destination | Rejection>(destinationOf, beyond)

  return {
    map(entry) {
      const to = routes.find(entry.datapoint)
      if ('reason' in to) return to
      let value = to.adjust === undefined ? entry.value : to.adjust(entry)
      const exact = value === entry.value ? entry.exact : undefined
      const isText = to.asText && typeof value === 'number' && Number.isFinite(value)
      if (isText) value = String(exact ?? value)
      if (value === undefined) return rejection('not-localized', 'The entry holds no localized value.')
      const mapped = fieldsOf(value, to.names)
      if (mapped !== undefined && 'reason' in mapped) return mapped
      if (mapped !== undefined && value !== null) {
        const wrong = to.pin.check(typeOf(value))
        if (wrong !== undefined) return wrong
      }
      const all = mapped?.fields ?? {}
      const fields = to.withoutTexts ? withoutTexts(all) : all
      const number = typeof value === 'string' ? to.enumeration?.get(value) : undefined
      if (number !== undefined) fields[to.names.number] = number
      if (to.health && entry.health !== undefined && entry.health !== 'normal') {
        if (Object.hasOwn(fields, to.names.health))
          return rejection('ambiguous-field', `A member of the structure takes the place of ${to.names.health}.`)
        if (!entry.health.isWellFormed()) return notUnicode(to.names.health)
        fields[to.names.health] = entry.health
      } else if (isEmpty(fields)) return undefined
      const point = { series: to.series, at: entry.at, fields }
      if (exact !== undefined && !isText) return { ...point, remark: { kind: 'rounded', text: shown(exact) } }
      if (typeof value !== 'string' || to.enumeration === undefined || number !== undefined) return point
      return { ...point, remark: { kind: 'unmapped', text: value } }
    },
    keepPins() {
      pins?.keep()
    },
    seriesOf(datapoint) {
      const to = routes.find(datapoint)
      return 'reason' in to ? to : to.series
    },
  }
}

function shown(value: LoggedValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

const tooManyDatapoints =
  `Entries of more than ${mostDatapoints} datapoints came from this gateway: those of any further datapoint are not written. ` +
  'Look at what the gateway sends ("smartserver-etl capture"), and name the devices in datapoints instead of *.'

/** By measurement, since a tag of one series is in the way of a field of all of them. */
function tagNamesOf(rules: readonly DatapointConfig[]): ReadonlyMap<string, ReadonlySet<string>> {
  const names = new Map<string, Set<string>>()
  for (const { measurement, tags } of rules) {
    const known = names.get(measurement) ?? new Set(reservedTags)
    for (const key of Object.keys(tags)) known.add(key)
    names.set(measurement, known)
  }
  return names
}

/** Datapoints without a rule of their own. */
const plainRule: DatapointConfig = { selector: {}, measurement: 'datalog', field: undefined, tags: {} }

/** Throws a RangeError for what the config must not let through. */
function assertRule({ measurement, field, tags, scale, offset, enumeration }: DatapointConfig): void {
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
