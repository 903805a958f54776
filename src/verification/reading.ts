import type { Series } from '../domain/point.ts'
import type { Reread } from './reread.ts'
import { addCompared, addExample, type Compared, emptyCompared } from './tallies.ts'

/** The windows of a range that were read from the gateway and compared. */
export interface Reading {
  readonly before: Compared
  /** As `before` where nothing was repaired. */
  readonly after: Compared
  /** Points that were written by the repair. */
  written: number
  readonly series: Set<Series>
  /** The earliest window that was read, and whether the gateway has entries of it. */
  earliest: { readonly after: number; readonly hasEntries: boolean } | undefined
}

export function emptyReading(): Reading {
  return { before: emptyCompared(), after: emptyCompared(), written: 0, series: new Set(), earliest: undefined }
}

export function addWindow(reading: Reading, window: Reread): void {
  const { before, after, earliest } = reading
  if (earliest === undefined || window.range.after < earliest.after)
    reading.earliest = { after: window.range.after, hasEntries: hasEntries(window) }
  if ('failure' in window) {
    for (const side of [before, after]) {
      side.unread++
      addExample(side, { of: 'unread', text: `not read: ${window.failure.message}` })
    }
    return
  }
  const { comparison, repaired } = window
  addCompared(before, comparison)
  addCompared(after, repaired?.comparison ?? comparison)
  reading.written += repaired?.written ?? 0
  for (const one of comparison.series) reading.series.add(one)
}

function hasEntries(window: Reread): boolean {
  if ('failure' in window) return false
  const { equal, missing, different } = window.comparison
  return equal + missing + different > 0
}
