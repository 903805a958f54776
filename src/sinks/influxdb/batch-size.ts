/** How many lines to send at once: learned from what the database takes, and kept for as long as the sink is open. */
export interface BatchSize {
  readonly lines: number
  /** So many lines were answered with 413: never again as many. */
  tooLarge(lines: number): void
  /** So many lines took so long. A database that is slow gets less at once, one that is quick gets more. */
  took(lines: number, ms: number): void
}

/** Best between 5,000 and 20,000 lines (docs/databases.md); a slow database is not made slower by single lines. */
const firstLines = 10_000
const mostLines = 20_000
const fewestLines = 500

const slowMs = 5_000
const quickMs = 500

export function openBatchSize(): BatchSize {
  let most = mostLines
  let now = firstLines
  return {
    get lines() {
      return now
    },
    tooLarge(lines) {
      most = Math.max(1, Math.min(most, lines >>> 1))
      now = Math.min(now, most)
    },
    took(lines, ms) {
      if (ms > slowMs) now = Math.min(now, Math.max(fewestLines, lines >>> 1), most)
      else if (ms < quickMs && lines >= now) now = Math.min(most, Math.ceil(now * 1.25))
    },
  }
}
