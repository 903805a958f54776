/** How many lines to send at once: learned from what the database takes, and kept for as long as the sink is open. */
export interface BatchSize {
  readonly lines: number
  /** So many lines were answered with 413. */
  tooLarge(lines: number): void
}

/** Best between 5,000 and 20,000 lines (design §9). */
export const mostLines = 10_000

export function openBatchSize(): BatchSize {
  let most = mostLines
  return {
    get lines() {
      return most
    },
    tooLarge(lines) {
      most = Math.max(1, Math.min(most, lines >>> 1))
    },
  }
}
