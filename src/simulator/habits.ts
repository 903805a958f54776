/**
 * What the documents leave open, and a few things that a site may have: how this gateway decides. The stricter answer is the
 * default.
 */
export interface Habits {
  readonly nameFallback?: boolean
  readonly timeText?: 'fixed' | 'java'
  readonly tagsShape?: 'object' | 'array'
  readonly badQuery?: 'close' | 'end'
  readonly slidingSessions?: boolean
  readonly expiryClosesSockets?: boolean
  readonly expiredAnswer?: '401' | 'redirect' | 'html'
  readonly upgradeRefusal?: 401 | 403 | 302
  readonly lockAfter?: number
  readonly lockMs?: number
  readonly statusMs?: number
  readonly accounts?: Readonly<Record<string, string>>
  readonly retentions?: Readonly<Record<string, number>>
}

/** The manual of `Habits`; the defaults are in `usualHabits`. */
export const habitMeanings: Readonly<Record<keyof Habits, string>> = {
  nameFallback:
    "whether a filter by instance name finds a datapoint whose `name` is null by its XIF name: the vendor's pages fall back where they show names (protocol §3.1), that filters do is nowhere said",
  timeText: 'times with all stored digits, fixed, or as few as Java prints, java: `2022-04-11T08:00Z[UTC]` (§3.2)',
  tagsShape: 'object or array: the shape of `tags` is not known exactly (§3.1)',
  badQuery:
    "answer to a log query that makes no sense (§10.2): close, 1008 and no end, so that a client's mistake is loud; or end, as if nothing were stored",
  slidingSessions: 'whether using a session prolongs it',
  expiryClosesSockets: 'whether open sockets are cut when their session ends (§10.1)',
  expiredAnswer:
    'what REST answers without a living session: 401, a redirect to /cms, or 200 with the login page as html',
  upgradeRefusal: 'HTTP status for a WebSocket upgrade without a living session (§10.1): 401, 403 or 302',
  lockAfter: 'bad logins in a row until logins are refused with 429, at least 1',
  lockMs: 'how long logins are then refused, ms',
  statusMs: 'real ms between status updates on the general-purpose socket; 0 = none by themselves',
  accounts: 'more logins, passwords by user name',
  retentions: 'device types whose entries are kept for another time, ms by type name; 0 = never pruned',
}

export type HabitSettings = Required<Habits>

export const usualHabits: HabitSettings = {
  nameFallback: false,
  timeText: 'fixed',
  tagsShape: 'object',
  badQuery: 'close',
  slidingSessions: false,
  expiryClosesSockets: false,
  expiredAnswer: '401',
  upgradeRefusal: 401,
  lockAfter: 5,
  lockMs: 300_000,
  statusMs: 2000,
  accounts: {},
  retentions: {},
}
