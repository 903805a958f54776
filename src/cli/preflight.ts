import { durationText } from '../config/duration.ts'
import { isoText } from '../domain/instant.ts'
import type { TimeRange } from '../domain/range.ts'
import { keptPart } from '../pipeline/keeping.ts'
import type { SinkReport } from '../sinks/sink.ts'
import type { Terminal } from './terminal.ts'
import { usageFailure } from './times.ts'

/**
 * What a person should know of the database before the gateway is asked for anything. Returns the part of the range that
 * is not asked for, because the database would not keep it; throws where that is all of it.
 */
export function tellPreflight(
  { label, report, now }: { label: string; report: SinkReport; now: number },
  asked: TimeRange,
  terminal: Terminal,
): TimeRange | undefined {
  for (const warning of report.warnings) terminal.say(`${label}: ${warning}`)
  if (report.retentionMs === undefined) return undefined
  const oldest = now - report.retentionMs
  const kept = keptPart(asked, oldest)
  const keeps = `${label} keeps ${durationText(report.retentionMs)}`
  if (kept.after >= kept.until)
    throw usageFailure(
      `${keeps}: all of what is asked for is older`,
      'Let the database keep its points for longer, or ask for what is younger.',
    )
  if (kept.after === asked.after) return undefined
  const left = { after: asked.after, until: kept.after }
  terminal.say(
    `${keeps}: ${durationText(left.until - left.after)} of what is asked for is older and not fetched (${isoText(left.after)} … ${isoText(left.until)}).`,
  )
  return left
}
