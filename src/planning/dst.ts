import { DateTime, IANAZone } from 'luxon'
import type { TimeRange } from '../domain/range.ts'

/** A change of a zone's clocks: its local date, and by how much they are put forward (negative: back). */
export interface ClockChange {
  readonly date: string
  readonly at: number
  readonly minutes: number
}

const dayMs = 86_400_000

/**
 * Changes of the wall clock inside a range, in order of time: where it is put back, local times come twice, and reports
 * by local time are ambiguous. An unknown zone has none. Two changes within a day (never seen) count as one or none.
 */
export function clockChanges({ after, until }: TimeRange, zone: string): ClockChange[] {
  const known = IANAZone.create(zone)
  if (!known.isValid) return []
  const changes: ClockChange[] = []
  for (let from = after; from < until; from += dayMs) {
    const to = Math.min(from + dayMs, until)
    const minutes = known.offset(to) - known.offset(from)
    if (minutes === 0) continue
    const at = firstWith(known, from, to)
    changes.push({ date: DateTime.fromMillis(at, { zone: known }).toISODate() ?? '', at, minutes })
  }
  return changes
}

/** The first moment, ms, after `from` that has the offset of `to`. */
function firstWith(zone: IANAZone, from: number, to: number): number {
  const offset = zone.offset(to)
  let [before, first] = [from, to]
  while (first - before > 1) {
    const middle = Math.floor((before + first) / 2)
    if (zone.offset(middle) === offset) first = middle
    else before = middle
  }
  return first
}
