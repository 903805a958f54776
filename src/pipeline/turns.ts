import type { Piece } from '../planning/backlog.ts'

/** Of so many requests of a schedule, one is for the backlog. */
const backlogShare = 4

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
  /** Pieces of the backlog that failed in the last pass: they come last in the next one too. */
  carried: readonly Piece[]
}

export function createTurns(): Turns {
  const last = new Map<string, number>()
  let count = 0
  return {
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
