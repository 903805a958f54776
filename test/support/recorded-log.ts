import { type Logger, pino } from 'pino'

export interface LogLine {
  readonly level: number
  readonly msg: string
  readonly [field: string]: unknown
}

/** A real logger whose lines are kept, to see what is said at which level, and that no secret is among it. */
export function recordedLog(): { readonly log: Logger; readonly lines: LogLine[] } {
  const lines: LogLine[] = []
  return { log: pino({ level: 'trace' }, { write: text => void lines.push(JSON.parse(text)) }), lines }
}
