import { z } from 'zod'
import { chance, integer, longestMs, number, numbers } from './option-values.ts'

/** Each fault with its meaning: how often a request meets it, 0 to 1. They may be combined. */
const chances = {
  noEnd: chance(
    'per log request: the socket is closed without "end". This, `reset` and `stall` exclude each other: their probabilities add up',
  ),
  reset: chance('per log request: the TCP connection is reset in the middle'),
  stall: chance('per log request: silence in the middle, the connection stays open'),
  trickle: chance('per log request: the first frames come one by one'),
  shuffle: chance('per log request: entries are out of order'),
  reverse: chance('per log request: the newest entry comes first'),
  duplicate: chance('per entry: it is sent once more a little later'),
  garbage: chance('per entry: a frame that makes no sense comes before it'),
  garbageAfterEnd: chance('per log request: frames that make no sense come between "end" and the close'),
  oversized: chance('per log request: one giant frame'),
  prune: chance(
    'per log request: the gateway prunes its oldest entries while it sends; entries still to come may be gone',
  ),
  ignoreFilter: chance('per log request: dev, blockName, blockIndex and dpName are ignored'),
  widenRange: chance('per log request: entries before and after the range are sent too'),
  refuseUpgrade: chance('per WebSocket upgrade: it is refused'),
  rejectConnection: chance('per TCP connection: it is closed before TLS begins'),
  expireSession: chance('per log request: the session ends while the request is answered'),
  restError: chance('per REST call behind the login: 503'),
  empty: chance('per log request: nothing but "end", as if nothing were stored'),
  short: chance('per log request: "end" comes at a moment within the range, and what is newer is left out'),
  errorFrame: chance('per log request: an error frame and "end" come in place of the entries'),
  endless: chance('per log request: behind the last entry all entries come again, and again; "end" never comes'),
  drip: chance('per log request: each byte of a frame comes by itself'),
  pings: chance('per log request: a hundred pings come at once'),
  strangers: chance('per entry: an entry of a device that is in no list comes before it, each time of another one'),
  slowRest: chance('per REST call: the answer comes late'),
  restDrip: chance('per REST call: each byte of the answer comes by itself'),
  changeSnapshot: chance('per page after the first: the list has changed, the snapshot number is another one (§5)'),
  stealSubscription: chance(
    'per status update and subscribed login: a second page of the same login has put its own list in place of ours (§6.3)',
  ),
}

/** What belongs to some of the faults. */
const details = {
  noEndCodes: numbers(
    [1000, 1001, 1006, 1011, 1012, 1013],
    [1000, 1006, 1011],
    'noEnd: close codes; 1006 cuts the connection without a close frame',
  ),
  stallMs: number(
    0,
    'stall: how long the silence lasts until the connection is cut, ms; 0 = until the client leaves',
    0,
    longestMs,
  ),
  strikeWithin: integer(
    1000,
    'noEnd, reset, stall: they strike after a number of frames drawn below this, or where "end" would be',
    1,
  ),
  trickleMs: number(50, 'trickle: pause between the frames, ms', 0, longestMs),
  trickleFrames: integer(20, 'trickle: so many frames', 1),
  dripMs: number(1000, 'drip, restDrip: pause between the bytes, ms', 1, longestMs),
  slowRestMs: number(5000, 'slowRest: how late, ms', 0, longestMs),
  shuffleWindow: integer(500, 'shuffle: how far, in entries, an entry may be from its place', 1, 100_000),
  oversizedBytes: integer(2 * 1024 * 1024, 'oversized: size of the frame, bytes', 2, 512 * 1024 * 1024),
  pruneMs: integer(600_000, 'prune: up to how far beyond the entry just sent, ms', 0, longestMs),
  widenMs: integer(60_000, 'widenRange: by how much, ms', 0, longestMs),
  refuseWith: numbers([302, 401, 403, 503], [503, 401, 302], 'refuseUpgrade: HTTP statuses'),
  retryAfter: z
    .string('a text')
    .default('')
    .describe(
      'Retry-After of every 503 and 429, REST and upgrade: seconds, an HTTP date, or epoch for the seconds since 1970 of a minute hence; empty = none',
    ),
}

/**
 * How a gateway misbehaves towards a request (protocol §9.6). All chance comes from the simulator's seed, so the same requests
 * in the same order meet the same faults.
 */
export const faultSchema = z.strictObject({ ...chances, ...details }, 'a mapping')

const shape = Object.entries(faultSchema.shape).map(([name, schema]) => [name, schema.unwrap().optional()] as const)

/** Some of the faults, without the defaults of the others. */
export const someFaults = z.strictObject(Object.fromEntries(shape), 'a mapping') as unknown as z.ZodType<Faults, Faults>

export type Faults = Readonly<z.input<typeof faultSchema>>
export type FaultSettings = Readonly<z.output<typeof faultSchema>>
export type FaultName = keyof typeof chances

export const noFaults: FaultSettings = faultSchema.parse({})
