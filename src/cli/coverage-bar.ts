import type { Coverage } from '../domain/coverage.ts'
import { RangeSet, type TimeRange } from '../domain/range.ts'

/** Coverage drawn over a range: `█` all final, `▓` all covered but not yet final, `▒` in part, `·` nothing. */
export function coverageBar(coverage: Coverage, within: TimeRange, width: number): string {
  const all = coverage.final.add(coverage.provisional)
  const step = (within.until - within.after) / width
  let bar = ''
  for (let i = 0; i < width; i++) {
    const cell = { after: Math.round(within.after + i * step), until: Math.round(within.after + (i + 1) * step) }
    if (coverage.final.covers(cell)) bar += '█'
    else if (all.covers(cell)) bar += '▓'
    else bar += all.intersect(cell).isEmpty ? '·' : '▒'
  }
  return bar
}

export function coveredShare({ final, provisional }: Coverage, within: TimeRange): number {
  return final.add(provisional).intersect(within).length / RangeSet.of(within).length
}
