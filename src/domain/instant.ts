/**
 * A moment in UTC with every digit that the gateway sent: whole milliseconds since 1970
 * and the nanoseconds beyond them (0 … 999,999). Two numbers, because one cannot hold both exactly.
 */
export interface Instant {
  readonly ms: number
  readonly nanos: number
}

export function compareInstants(a: Instant, b: Instant): number {
  return a.ms - b.ms || a.nanos - b.nanos
}

/** Nanoseconds since 1970 as decimal digits: what line protocol and the embedded sink store. */
export function nanosecondsText(at: Instant): string {
  if (at.ms >= 0) return at.nanos === 0 ? `${at.ms}000000` : `${at.ms}${String(at.nanos).padStart(6, '0')}`
  return String(nanoseconds(at))
}

export function nanoseconds(at: Instant): bigint {
  return BigInt(at.ms) * 1_000_000n + BigInt(at.nanos)
}

export function instantOfNanoseconds(ns: bigint): Instant {
  const nanos = ((ns % 1_000_000n) + 1_000_000n) % 1_000_000n
  return { ms: Number((ns - nanos) / 1_000_000n), nanos: Number(nanos) }
}

/** ISO 8601 in UTC with milliseconds, for people and JSON. */
export function isoText(ms: number): string {
  return new Date(ms).toISOString()
}
