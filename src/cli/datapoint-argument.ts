import type { GatewayConfig } from '../config/config.ts'
import { datapointSchema } from '../config/datapoint.ts'
import type { Selector } from '../domain/datapoint.ts'
import type { Series } from '../domain/point.ts'
import { usageFailure } from './parse-time.ts'

/** Datapoints named on the command line, as in the configuration; all configured ones where none is named. */
export function chosenSelectors(
  texts: readonly string[],
  { datapoints }: Pick<GatewayConfig, 'datapoints'>,
): Selector[] {
  if (texts.length === 0) return datapoints.map(({ selector }) => selector)
  return texts.map(text => {
    const parsed = datapointSchema.safeParse(text)
    if (parsed.success) return parsed.data.selector
    throw usageFailure(
      `"${text}" is no datapoint`,
      'Write device/block/index/datapoint, * for any, as "Sensor 1/*/*/*".',
    )
  })
}

/** The datapoint of a series, by its names in the database. */
export function selectorOf({ tags }: Series): Selector {
  const [device = '', block = '', index, name = ''] = ['device', 'block', 'index', 'datapoint'].map(key =>
    tags.get(key),
  )
  return { device: { name: device }, block, index: Number(index), point: { name } }
}
