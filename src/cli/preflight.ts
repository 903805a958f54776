import { durationText } from '../domain/duration.ts'
import { isoText } from '../domain/instant.ts'
import { rangeLength, type TimeRange } from '../domain/range.ts'
import { clampToRetention } from '../planning/demand.ts'
import type { SinkReport } from '../sinks/sink.ts'
import { rangeText } from './format.ts'
import { usageFailure } from './parse-time.ts'

export interface Preflight {
  /** What a person should know of the database before the gateway is asked for anything. */
  readonly words: readonly string[]
  /** The part of the range that is not asked for, because the database would not keep it. */
  readonly notKept: TimeRange | undefined
}

/** What to know before a bundle is loaded: what is too old is refused by the database, and counted there. */
export function loadWords(label: string, { warnings, retentionMs }: SinkReport, begin: number, now: number): string[] {
  const words = warnings.map(warning => `${label}: ${warning}`)
  if (retentionMs === undefined || begin >= now - retentionMs) return words
  const keeps = `${label} keeps ${durationText(retentionMs)}: what is older in the bundle`
  return [...words, `${keeps} (it begins at ${isoText(begin)}) becomes dead letters`]
}

/** Throws where the database would keep nothing of what is asked for. */
export function preflight(label: string, report: SinkReport, asked: TimeRange, now: number): Preflight {
  const words = report.warnings.map(warning => `${label}: ${warning}`)
  if (report.retentionMs === undefined) return { words, notKept: undefined }
  const kept = clampToRetention(asked, now - report.retentionMs)
  const keeps = `${label} keeps ${durationText(report.retentionMs)}`
  if (kept.after >= kept.until)
    throw usageFailure(
      `${keeps}: all of what is asked for is older`,
      'Let the database keep its points for longer, or ask for what is younger.',
    )
  if (kept.after === asked.after) return { words, notKept: undefined }
  const notKept = { after: asked.after, until: kept.after }
  const length = durationText(rangeLength(notKept))
  const older = `${keeps}: ${length} of what is asked for is older and not fetched (${rangeText(notKept)} UTC)`
  return { words: [...words, older], notKept }
}
