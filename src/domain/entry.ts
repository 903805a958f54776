import type { DatapointName } from './datapoint.ts'
import type { Instant } from './instant.ts'

/** One text frame of a data-log socket, exactly as received. */
export type Frame = string

/** Any JSON: the gateway logs numbers, enumeration texts, structures and nulls; booleans are plausible. */
export type LoggedValue =
  | number
  | string
  | boolean
  | null
  | readonly LoggedValue[]
  | { readonly [member: string]: LoggedValue }

/** What a datapoint logs: booleans are numbers. */
export type ValueType = 'number' | 'text' | 'structure'

/** One logged value. */
export interface LogEntry {
  readonly datapoint: DatapointName
  readonly at: Instant
  readonly value: LoggedValue
  /** The same with each number that no float holds as the text of its digits; undefined where there is none. */
  readonly exact?: LoggedValue | undefined
  /** In the gateway's display units and language; undefined where the frame had none. */
  readonly localized: LoggedValue | undefined
  /** `normal`, `down`, `unknown` … at log time. */
  readonly health: string | undefined
}

/** A frame that makes no sense as an entry: a value, not an exception (law 13). */
export interface Rejection {
  /** A word for grouping: `not-json`, `no-utc`, `bad-utc` … */
  readonly reason: string
  /** One sentence for a person, without the frame. */
  readonly detail: string
}

export function isRejection(value: LogEntry | Rejection): value is Rejection {
  return 'reason' in value
}
