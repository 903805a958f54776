import { RangeSet, type TimeRange } from './range.ts'

/** What is proven complete for one datapoint in one sink (law 3). The two sets do not overlap. */
export interface Coverage {
  readonly final: RangeSet
  /** Fetched before late entries could be ruled out; to be fetched once more when mature. */
  readonly provisional: RangeSet
  /** The provisional ranges as they were fetched: a second look takes whole ones, so that it can be compared. */
  readonly looks: readonly TimeRange[]
}

export const noCoverage: Coverage = { final: RangeSet.empty, provisional: RangeSet.empty, looks: [] }

export function joinCoverage(a: Coverage, b: Coverage): Coverage {
  const final = a.final.add(b.final)
  return { final, provisional: a.provisional.add(b.provisional).subtract(final), looks: [...a.looks, ...b.looks] }
}
