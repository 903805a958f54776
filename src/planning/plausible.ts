import { rangeLength, type TimeRange } from '../domain/range.ts'

const dayMs = 86_400_000
/** Fewer expected entries than this say nothing: values come and go. */
const enoughToJudge = 20

interface Answer {
  readonly received: number
  /** ms UTC; undefined: there was no entry. */
  readonly newestEntry: number | undefined
}

/**
 * False where an answer is far from what the datapoints log, `perDay`: less than half of it, or ended long before the end
 * of the range. Such an answer is provisional until a second one says the same (law 14).
 */
export function isPlausible({ received, newestEntry }: Answer, range: TimeRange, perDay: number | undefined): boolean {
  if (perDay === undefined) return true
  const expected = (ms: number) => (perDay * ms) / dayMs
  const whole = expected(rangeLength(range))
  if (whole < enoughToJudge) return true
  if (received * 2 < whole) return false
  return newestEntry === undefined || expected(range.until - newestEntry) < enoughToJudge
}
