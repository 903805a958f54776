interface BackoffLimits {
  readonly firstMs: number
  readonly mostMs: number
}

/**
 * How long to wait after the n-th failure in a row (1, 2, …): doubled each time up to `mostMs`, less a random part of up
 * to a half so that many waiters do not return at the same moment, and never less than the other side asks for.
 */
export function backoffMs(failures: number, { firstMs, mostMs }: BackoffLimits, retryAfterMs = 0): number {
  const full = Math.min(mostMs, firstMs * 2 ** Math.min(failures - 1, 30))
  return Math.max(retryAfterMs, Math.round(full * (0.5 + Math.random() / 2)))
}
