import { RangeSet, type TimeRange } from './range.ts'

/** What coverage belongs to. */
export interface SinkGateway {
  readonly sink: string
  readonly gateway: string
}

/** What is proven complete for one datapoint in one sink (law 3). The two sets do not overlap. */
export interface Coverage {
  readonly final: RangeSet
  /** Fetched before late entries could be ruled out; to be fetched once more when mature. */
  readonly provisional: RangeSet
  /** The provisional ranges as they were fetched: a re-read takes whole ones, so that it can be compared. */
  readonly asFetched: readonly TimeRange[]
  /** Nothing before this is fetched: the points there were made by an earlier rule. ms UTC; undefined: no such moment. */
  readonly since?: number | undefined
}

export const noCoverage: Coverage = { final: RangeSet.empty, provisional: RangeSet.empty, asFetched: [] }

export function joinCoverage(a: Coverage, b: Coverage): Coverage {
  const final = a.final.add(b.final)
  return {
    final,
    provisional: a.provisional.add(b.provisional).subtract(final),
    asFetched: [...a.asFetched, ...b.asFetched],
  }
}
