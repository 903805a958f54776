/** A larger value is a mistake of the other side, such as a time in place of a number of seconds: it must not stop the work for years. */
const longestMs = 3_600_000

/** The wait that a `Retry-After` header asks for, in seconds or as an HTTP date, ms; undefined: it asks for none. */
export function retryAfterMs(header: string | readonly string[] | undefined, now: number): number | undefined {
  if (typeof header !== 'string' || header.trim() === '') return undefined
  const seconds = Number(header)
  const ms = Number.isNaN(seconds) ? Date.parse(header) - now : seconds * 1_000
  return Number.isNaN(ms) ? undefined : Math.min(longestMs, Math.max(0, ms))
}

type Headers = Readonly<Record<string, string | string[] | undefined>>

/** The same for a whole answer: a date is compared with the clock of the answering side (`Date`). No wait is undefined. */
export function retryAfterOf({ 'retry-after': retryAfter, date }: Headers): number | undefined {
  return retryAfterMs(retryAfter, Date.parse(String(date))) || undefined
}
