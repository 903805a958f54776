import { type Selector, selectorLabel } from './datapoint.ts'
import { isoText } from './instant.ts'
import type { TimeRange } from './range.ts'

/** One data-log WebSocket to be: which datapoints of which gateway, over which range. */
export interface DataLogRequest {
  readonly gateway: string
  /** Never empty. The query sent is the narrowest that holds them all; entries of others are `outside`. */
  readonly selectors: readonly [Selector, ...Selector[]]
  readonly range: TimeRange
}

/** Names the work in messages: `plant-a Sensor 1/… (+3) 2026-01-01T00:00:00.000Z … 2026-01-08T00:00:00.000Z`. */
export function requestText({ gateway, selectors, range }: DataLogRequest): string {
  const more = selectors.length > 1 ? ` (+${selectors.length - 1})` : ''
  return `${gateway} ${selectorLabel(selectors[0])}${more} ${isoText(range.after)} … ${isoText(range.until)}`
}

/** How the datapoints of a group are requested: in parts, together as measured, or together for good. */
export type Width = 'narrow' | 'wide' | 'always wide'
