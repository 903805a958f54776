import type { Selector } from '../domain/datapoint.ts'
import { createSeries, type Series, seriesKey } from '../domain/point.ts'
import type { FormedRule } from '../domain/rule-form.ts'
import { closestFirst, closestRule, type Named, namedBy } from './rule-changes.ts'

/** A selector that was recorded, and the series that its points went to. */
interface HeldSeries {
  readonly selector: Selector
  readonly series: readonly Series[]
}

/**
 * The series of these that the rules of today do not write to any more, although they are for the same datapoint. Of a
 * datapoint that is not configured any more nothing is old: it is left as it is.
 */
export function oldSeries(gateway: string, rules: readonly FormedRule[], held: readonly HeldSeries[]): Series[] {
  const ordered = closestFirst(rules)
  const found = held.flatMap(({ selector, series }) =>
    series.filter(one => {
      const named = namedBy(one, selector)
      const rule = closestRule(named, ordered)
      return rule !== undefined && seriesKey(one) !== seriesKey(seriesBy(gateway, rule, named))
    }),
  )
  return [...new Map(found.map(one => [seriesKey(one), one])).values()]
}

function seriesBy(gateway: string, { selector, form }: FormedRule, named: Named): Series {
  const { device } = selector
  const { block = '', index = '', name: datapoint = '' } = named
  const shown = device !== undefined && 'id' in device ? device.as : (named.device ?? '')
  return createSeries(form.measurement, { ...form.tags, gateway, device: shown, block, index, datapoint })
}
