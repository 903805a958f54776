import { expect, test } from 'vitest'
import { Failure, type Reach, type Retry } from '../../../src/domain/failure.ts'
import type { CircuitState } from '../../../src/pipeline/circuit.ts'
import { type Decision, decide, type TriedPiece } from '../../../src/pipeline/decide.ts'

const answering: CircuitState = {
  failures: 1,
  requestFailures: 1,
  mostRequestFailures: 40,
  isScheduled: false,
  hasAnswered: true,
  awayMs: 0,
  patienceMs: 60_000,
}
const unknown: CircuitState = { ...answering, hasAnswered: false, requestFailures: 0 }
const first: TriedPiece = { tries: 1, canBeHalved: true }
const last: TriedPiece = { tries: 3, canBeHalved: true }
const shortest: TriedPiece = { tries: 3, canBeHalved: false }

type Row = [string, Reach, Retry, TriedPiece | undefined, CircuitState, Decision['piece'], Decision['ends'], string?]
const rows: Row[] = [
  ['a request fails', 'request', 'soon', first, answering, 'set-aside', 'nothing'],
  ['a request fails for the last time', 'request', 'soon', last, answering, 'halve', 'nothing'],
  ['the shortest fails for the last time', 'request', 'soon', shortest, answering, 'park', 'nothing'],
  ['it is useless to try again', 'request', 'never', first, answering, 'halve', 'nothing'],
  ['it brings too much', 'request', 'soon', last, answering, 'shorten', 'nothing', 'too-dense'],
  [
    'one fails after the other',
    'request',
    'soon',
    first,
    { ...answering, requestFailures: 41 },
    'set-aside',
    'gateway',
  ],
  ['as many fail as may', 'request', 'soon', first, { ...answering, requestFailures: 40 }, 'set-aside', 'nothing'],
  ['the gateway goes away', 'gateway', 'soon', last, answering, 'give-back', 'nothing'],
  ['it is away for too long', 'gateway', 'soon', first, { ...answering, awayMs: 60_001 }, 'give-back', 'gateway'],
  ['it rejects the login', 'gateway', 'never', first, answering, 'give-back', 'gateway'],
  ['a login fails', 'gateway', 'soon', undefined, { ...unknown, failures: 3 }, 'none', 'nothing'],
  ['a login fails for the last time', 'gateway', 'soon', undefined, { ...unknown, failures: 4 }, 'none', 'gateway'],
  ['a login breaks off', 'request', 'soon', undefined, { ...unknown, failures: 4 }, 'none', 'gateway'],
  [
    'it is away while a schedule waits',
    'gateway',
    'soon',
    first,
    { ...answering, awayMs: 60_001, isScheduled: true },
    'give-back',
    'nothing',
  ],
  [
    'it rejects the login of a schedule',
    'gateway',
    'never',
    first,
    { ...answering, isScheduled: true },
    'give-back',
    'gateway',
  ],
  ['the database goes away', 'sink', 'soon', last, answering, 'give-back', 'nothing'],
  ['the database denies', 'sink', 'never', first, answering, 'none', 'run'],
  ['the database is away at a login', 'sink', 'soon', undefined, unknown, 'none', 'run'],
  ['the ledger fails', 'run', 'never', first, answering, 'none', 'run'],
]

test.each(rows)('when %s', (_, reach, retry, piece, circuit, fate, ends, code = 'x') => {
  expect(decide(new Failure('no', { code, retry, reach }), piece, circuit)).toEqual({ piece: fate, ends })
})
