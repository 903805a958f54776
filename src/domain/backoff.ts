const firstMs = 1_000

/**
 * How long to wait after the n-th failure in a row (1, 2, …): doubling up to `mostMs`, by a random part shorter so that
 * many waiters do not come back at the same moment, and never before what the other side has asked for.
 */
export function backoffMs(
  failures: number,
  mostMs: number,
  retryAfterMs = 0,
  random: () => number = Math.random,
): number {
  const full = Math.min(mostMs, firstMs * 2 ** Math.min(failures - 1, 30))
  return Math.max(retryAfterMs, Math.round(full * (0.5 + random() / 2)))
}
