import { DateTime } from 'luxon'
import { parseDuration } from '../domain/duration.ts'
import type { Failure } from '../domain/failure.ts'
import { commandFailure } from './failures.ts'

/**
 * A time on the command line: ISO 8601 (UTC where it names no offset: nothing depends on the host's zone), or a
 * duration back from now. Throws a Failure that names the option.
 */
export function parseTime(text: string, option: string, now: number): number {
  const back = parseDuration(text)
  if (back !== undefined) return now - back
  const at = DateTime.fromISO(text, { zone: 'utc' })
  if (at.isValid) return at.toMillis()
  throw usageFailure(
    `${option} "${text}" is neither a time nor a duration`,
    'Write 2026-01-31, 2026-01-31T08:00Z, or 30d for thirty days ago.',
  )
}

/** Wrong use: exit code 2. */
export function usageFailure(message: string, advice?: string): Failure {
  return commandFailure('usage', message, { advice })
}
