import type { Series } from '../domain/point.ts'
import type { Comparison } from './compare.ts'
import type { Reread } from './reread.ts'

/** The windows of a range, added up. */
export interface Sums {
  equal: number
  missing: number
  different: number
  extra: number
  unwritable: number
  /** Windows that the gateway did not give. */
  unread: number
  readonly examples: string[]
}

export interface ReadSums {
  readonly before: Sums
  /** As `before` where nothing was put right. */
  readonly after: Sums
  /** Points that were put right. */
  written: number
  readonly series: Set<Series>
}

const mostExamples = 5

export function emptySums(): ReadSums {
  const sums = (): Sums => ({ equal: 0, missing: 0, different: 0, extra: 0, unwritable: 0, unread: 0, examples: [] })
  return { before: sums(), after: sums(), written: 0, series: new Set() }
}

export function addWindow(sums: ReadSums, window: Reread): void {
  if ('failure' in window) {
    for (const one of [sums.before, sums.after]) {
      one.unread++
      addExamples(one, [`not read: ${window.failure.message}`])
    }
    return
  }
  const { comparison, mended } = window
  addComparison(sums.before, comparison)
  addComparison(sums.after, mended?.comparison ?? comparison)
  sums.written += mended?.written ?? 0
  for (const one of comparison.series) sums.series.add(one)
}

function addComparison(sums: Sums, { equal, missing, different, extra, unwritable, examples }: Comparison): void {
  sums.equal += equal
  sums.missing += missing
  sums.different += different
  sums.extra += extra
  sums.unwritable += unwritable
  addExamples(sums, examples)
}

function addExamples(sums: Sums, examples: readonly string[]): void {
  sums.examples.push(...examples.slice(0, mostExamples - sums.examples.length))
}
