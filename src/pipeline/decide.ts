import type { Failure } from '../domain/failure.ts'
import { triesOfPiece } from '../planning/backlog.ts'
import { type CircuitState, isOfRequest } from './circuit.ts'
import { transferFailure } from './failures.ts'

/** Tries to get through to a gateway that has not answered once in this pass. */
const triesToConnect = 4

/** The piece that failed, as far as the decision needs it. */
export interface TriedPiece {
  /** Failed tries, this one included. */
  readonly tries: number
  readonly canBeHalved: boolean
}

export interface Decision {
  /**
   * What becomes of the piece. `give-back`: it is asked for again in its turn. `shorten`: the same, in pieces as short as
   * the log is dense. `set-aside`: again after everything that has not failed. `halve`, `park`: its tries are used up.
   */
  readonly piece: 'none' | 'give-back' | 'shorten' | 'set-aside' | 'halve' | 'park'
  /** `gateway`: it is given up for this pass. `run`: the failure is thrown, and ends the run of all gateways. */
  readonly ends: 'nothing' | 'gateway' | 'run'
}

/**
 * What a run does about a failure (law 9): decided by the failure, the piece that was asked for (undefined: a login) and
 * what went wrong on the gateway before, this failure included. The throttle keeps the waits.
 */
export function decide(failure: Failure, piece: TriedPiece | undefined, circuit: CircuitState): Decision {
  const { reach, retry } = failure
  // the next admission waits for the database
  if (reach === 'sink' && retry === 'soon' && piece !== undefined) return { piece: 'give-back', ends: 'nothing' }
  if (reach === 'sink' || reach === 'run') return { piece: 'none', ends: 'run' }
  if (transferFailure.is(failure, 'too-dense') && piece !== undefined) return { piece: 'shorten', ends: 'nothing' }
  return { piece: fateOf(failure, piece), ends: isGivenUp(failure, circuit) ? 'gateway' : 'nothing' }
}

function fateOf({ reach, retry }: Failure, piece: TriedPiece | undefined): Decision['piece'] {
  if (piece === undefined) return 'none'
  if (reach !== 'request') return 'give-back'
  if (piece.tries < triesOfPiece && retry !== 'never') return 'set-aside'
  return piece.canBeHalved ? 'halve' : 'park'
}

function isGivenUp(failure: Failure, circuit: CircuitState): boolean {
  if (isOfRequest(failure, circuit)) return circuit.requestFailures > circuit.mostRequestFailures
  if (failure.retry === 'never') return true
  if (circuit.isScheduled) return false
  if (!circuit.hasAnswered) return circuit.failures >= triesToConnect
  return circuit.awayMs > circuit.patienceMs
}
