import { z } from 'zod'
import { byName, flag, integer, longestMs, number, oneNumber, word } from './option-values.ts'

/**
 * What the documents leave open, and a few things that a site may have: how this gateway decides. The stricter answer is the
 * default.
 */
export const habitSchema = z.strictObject({
  nameFallback: flag(
    "whether a filter by instance name finds a datapoint whose `name` is null by its XIF name: the vendor's pages fall back where they show names (protocol §3.1), nothing says that filters do",
  ),
  timeText: word(
    ['fixed', 'java'],
    'fixed',
    'times with all stored digits, fixed, or as few as Java prints, java: `2022-04-11T08:00Z[UTC]` (§3.2)',
  ),
  tagsShape: word(['object', 'array'], 'object', 'shape of `tags`, which is not known exactly (§3.1)'),
  badQuery: word(
    ['close', 'end'],
    'close',
    "answer to a log query that makes no sense (§10.2): close, 1008 and no end, so that a client's mistake is loud; or end, as if nothing were stored",
  ),
  slidingSessions: flag('whether using a session prolongs it'),
  expiryClosesSockets: flag('whether open sockets are cut when their session ends (§10.1)'),
  expiredAnswer: word(
    ['401', '503', 'redirect', 'html'],
    '401',
    'what REST answers without a living session: 401, 503, a redirect to /cms, or 200 with the login page as html',
  ),
  upgradeRefusal: oneNumber(
    [401, 403, 302, 503],
    401,
    'HTTP status for a WebSocket upgrade without a living session (§10.1)',
  ),
  lockAfter: integer(5, 'bad logins in a row until logins are refused with 429', 1, 1_000_000),
  lockMs: number(300_000, 'how long logins are then refused, ms'),
  statusMs: number(
    2000,
    'real ms between status updates on the general-purpose socket; 0 = none by themselves',
    0,
    longestMs,
  ),
  cookies: word(
    ['once', 'twice'],
    'once',
    'twice: the answer to a login deletes the session cookie and then sets it, as servlet containers do',
  ),
  compare: word(
    ['exact', 'ms'],
    'exact',
    'how times finer than a millisecond are compared with the ends of a range: with all digits, or as milliseconds',
  ),
  rawQueries: flag(
    'whether a raw `+` in a log query stays a plus and a raw `&` before `utc` belongs to the value, as in an example of the vendor (§2.3)',
  ),
  dateSkewMs: number(
    0,
    "what the Date header is ahead of the gateway's clock, ms, as a proxy's or a local time called GMT; negative = behind",
    -Number.MAX_SAFE_INTEGER,
  ),
  accounts: byName(z.string('a text'), 'more logins, passwords by user name'),
  retentions: byName(
    number(0, '').unwrap(),
    'device types whose entries are kept for another time, ms by type name; 0 = never pruned',
  ),
})

export type Habits = Readonly<z.input<typeof habitSchema>>
export type HabitSettings = Readonly<z.output<typeof habitSchema>>

export const usualHabits: HabitSettings = habitSchema.parse({})
