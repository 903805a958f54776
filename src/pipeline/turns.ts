import type { Piece } from '../planning/backlog.ts'

/** Of so many requests of a schedule, one is for the backlog. */
const backlogShare = 4

/** One device that fails must not cost the others their range: after so many failures in a row they are asked one by one. */
const mostFailuresTogether = 3
const apartMs = 86_400_000

/**
 * Whose turn it is on a gateway: lives as long as the process, because a pass may have time for a few requests only
 * (law 16).
 */
export interface Turns {
  /** Grows with each request of a group; undefined: none was made. */
  lastOf(group: string): number | undefined
  /** The next request is for the backlog, where there is one. */
  readonly isBacklogTurn: boolean
  asked(piece: Piece): void
  /** A request for all devices failed; true: from now on each is asked for by itself, for a day. */
  failedTogether(now: number): boolean
  completedTogether(): void
  /** `now` is the host's clock, ms UTC. */
  isApart(now: number): boolean
  /** Pieces of the backlog that failed in the last pass: they come last in the next one too. */
  carried: readonly Piece[]
}

export function createTurns(): Turns {
  const last = new Map<string, number>()
  let count = 0
  let failures = 0
  let apartSince = Number.NEGATIVE_INFINITY
  const isApart = (now: number) => now >= apartSince && now < apartSince + apartMs
  return {
    failedTogether(now) {
      failures++
      if (failures >= mostFailuresTogether) apartSince = now
      return isApart(now)
    },
    completedTogether() {
      failures = 0
    },
    isApart,
    lastOf: group => last.get(group),
    get isBacklogTurn() {
      return count % backlogShare === backlogShare - 1
    },
    asked({ group, isFresh }) {
      count++
      // a request for its history does not make a group wait longer for what is new
      if (isFresh === true || !last.has(group)) last.set(group, count)
    },
    carried: [],
  }
}
