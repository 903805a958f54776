import type { GatewayConfig } from '../config/config.ts'
import { datapointSchema } from '../config/datapoint.ts'
import type { Selector } from '../domain/datapoint.ts'
import { usageFailure } from './parse-time.ts'

/** Datapoints named on the command line, as in the configuration; all configured ones where none is named. */
export function chosenSelectors(texts: readonly string[], { datapoints }: GatewayConfig): Selector[] {
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
