/**
 * How a gateway misbehaves towards a request (protocol §9.6). Probabilities are 0 to 1, default 0; all chance comes from the
 * simulator's seed, so the same requests in the same order meet the same faults. They may be combined.
 */
export interface Faults {
  readonly noEnd?: number
  readonly noEndCodes?: readonly number[]
  readonly reset?: number
  readonly stall?: number
  readonly stallMs?: number
  readonly strikeWithin?: number
  readonly trickle?: number
  readonly trickleMs?: number
  readonly shuffle?: number
  readonly shuffleWindow?: number
  readonly reverse?: number
  readonly duplicate?: number
  readonly garbage?: number
  readonly garbageAfterEnd?: number
  readonly oversized?: number
  readonly oversizedBytes?: number
  readonly prune?: number
  readonly pruneMs?: number
  readonly ignoreFilter?: number
  readonly widenRange?: number
  readonly widenMs?: number
  readonly refuseUpgrade?: number
  readonly refuseWith?: readonly number[]
  readonly rejectConnection?: number
  readonly expireSession?: number
  readonly restError?: number
  readonly changeSnapshot?: number
  readonly stealSubscription?: number
}

/** The manual of `Faults`; the defaults are in `noFaults`. */
export const faultMeanings: Readonly<Record<keyof Faults, string>> = {
  noEnd:
    'per log request: the socket is closed without "end". This, `reset` and `stall` exclude each other: their probabilities add up',
  noEndCodes: 'close codes for that; 1006 cuts the connection without a close frame',
  reset: 'per log request: the TCP connection is reset in the middle',
  stall: 'per log request: silence in the middle, the connection stays open',
  stallMs: 'how long that silence lasts until the connection is cut, ms; 0 = until the client leaves',
  strikeWithin: 'these three strike after a number of frames drawn below this, or where "end" would be',
  trickle: 'per log request: the first 20 frames come one by one',
  trickleMs: 'pause between those, ms',
  shuffle: 'per log request: entries are out of order',
  shuffleWindow: 'how far, in entries, an entry may be from its place',
  reverse: 'per log request: the newest entry comes first',
  duplicate: 'per entry: it is sent once more a little later',
  garbage: 'per entry: a frame that makes no sense comes before it',
  garbageAfterEnd: 'per log request: frames that make no sense come between "end" and the close',
  oversized: 'per log request: one giant frame',
  oversizedBytes: 'its size, bytes',
  prune: 'per log request: the gateway prunes its oldest entries while it sends; entries still to come may be gone',
  pruneMs: 'up to how far beyond the entry just sent it prunes, ms',
  ignoreFilter: 'per log request: dev, blockName, blockIndex and dpName are ignored',
  widenRange: 'per log request: entries before and after the range are sent too',
  widenMs: 'by how much, ms',
  refuseUpgrade: 'per WebSocket upgrade: it is refused',
  refuseWith: 'HTTP statuses for that, of 302, 401, 403, 503',
  rejectConnection: 'per TCP connection: it is closed before TLS begins',
  expireSession: 'per log request: the session ends while the request is answered',
  restError: 'per REST call behind the login: 503',
  stealSubscription:
    'per status update and subscribed login: a second page of the same login has put a list of its own in place of ours (§6.3)',
  changeSnapshot: 'per page after the first: the list has changed, the snapshot number is another one (protocol §5)',
}

export type FaultSettings = Required<Faults>

export type FaultName = {
  [K in keyof FaultSettings]: K extends `${string}Ms` | `${string}Within` | `${string}Window` | `${string}Bytes`
    ? never
    : FaultSettings[K] extends number
      ? K
      : never
}[keyof FaultSettings]

export const noFaults: FaultSettings = {
  noEnd: 0,
  noEndCodes: [1000, 1006, 1011],
  reset: 0,
  stall: 0,
  stallMs: 0,
  strikeWithin: 1000,
  trickle: 0,
  trickleMs: 50,
  shuffle: 0,
  shuffleWindow: 500,
  reverse: 0,
  duplicate: 0,
  garbage: 0,
  garbageAfterEnd: 0,
  oversized: 0,
  oversizedBytes: 2 * 1024 * 1024,
  prune: 0,
  pruneMs: 600_000,
  ignoreFilter: 0,
  widenRange: 0,
  widenMs: 60_000,
  refuseUpgrade: 0,
  refuseWith: [503, 401, 302],
  rejectConnection: 0,
  expireSession: 0,
  restError: 0,
  changeSnapshot: 0,
  stealSubscription: 0,
}

export interface Dice {
  /** Whether the fault strikes now; if so it is counted. Always one draw, also for a probability of 0. */
  strikes(fault: FaultName): boolean
  /** Which of several faults that exclude each other strikes; their probabilities add up. One draw. */
  strikesOne<T extends FaultName>(faults: readonly T[]): T | undefined
  /** An integer from 0 to below `limit`. */
  below(limit: number): number
  pick<T>(choices: readonly T[]): T
}

/** Dice of one kind of event: `random` is its own sequence, so that one kind does not disturb another. `struck` is told of every hit. */
export function createDice(
  faults: () => FaultSettings,
  random: () => number,
  struck: (fault: FaultName) => void,
): Dice {
  const below = (limit: number) => Math.floor(random() * limit)
  return {
    strikes(fault) {
      const hit = random() < faults()[fault]
      if (hit) struck(fault)
      return hit
    },
    strikesOne(choices) {
      let rest = random()
      for (const fault of choices) {
        rest -= faults()[fault]
        if (rest >= 0) continue
        struck(fault)
        return fault
      }
      return undefined
    },
    below,
    pick: choices => choices[below(choices.length)]!,
  }
}
