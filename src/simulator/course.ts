import type { Dice } from './dice.ts'
import type { FaultSettings } from './faults.ts'
import { createGarbage, createGiant, type OddFrame } from './garbage.ts'

export type Ending = { readonly kind: 'end' | 'reset' | 'stall' } | { readonly kind: 'close'; readonly code: number }

/** How one log answer will go: drawn once, before it begins. */
export interface Course {
  readonly ending: Ending
  /** Frames before an ending other than `end` strikes; it strikes at the last frame if there are fewer. */
  readonly strikeAfter: number
  readonly stallMs: number
  /** Pause between the first frames, ms; 0 = none. */
  readonly trickleMs: number
  readonly trickleFrames: number
  /** Pause between the bytes of a frame, ms; 0 = none. */
  readonly dripMs: number
  readonly afterEnd: readonly OddFrame[]
  readonly giant: OddFrame | undefined
  readonly order: 'ascending' | 'descending'
  readonly shuffleWindow: number
  /** Entries after which the gateway prunes, and how far beyond the entry just sent. */
  readonly pruneAfter: number
  readonly pruneMs: number
  readonly ignoreFilter: boolean
  readonly widenMs: number
  readonly expireSession: boolean
  /** What comes in place of the entries. */
  readonly instead: 'nothing' | 'error' | undefined
  /** The part of the range that is sent, of 1. */
  readonly share: number
  readonly endless: boolean
  readonly pings: number
}

/** Takes the same number of draws whatever the probabilities are: changing one fault leaves the others where they were. */
export function drawCourse(faults: FaultSettings, dice: Dice): Course {
  const garbage = [createGarbage(dice), createGarbage(dice)]
  return {
    ending: drawEnding(faults, dice),
    strikeAfter: dice.below(faults.strikeWithin),
    stallMs: faults.stallMs,
    trickleMs: dice.strikes('trickle') ? faults.trickleMs : 0,
    trickleFrames: faults.trickleFrames,
    afterEnd: dice.strikes('garbageAfterEnd') ? garbage : [],
    giant: dice.strikes('oversized') ? createGiant(faults.oversizedBytes) : undefined,
    order: dice.strikes('reverse') ? 'descending' : 'ascending',
    shuffleWindow: dice.strikes('shuffle') ? faults.shuffleWindow : 0,
    pruneAfter: drawPruning(dice),
    pruneMs: dice.below(faults.pruneMs + 1),
    ignoreFilter: dice.strikes('ignoreFilter'),
    widenMs: dice.strikes('widenRange') ? faults.widenMs : 0,
    expireSession: dice.strikes('expireSession'),
    ...drawInstead(dice),
    share: drawShare(dice),
    endless: dice.strikes('endless'),
    dripMs: dice.strikes('drip') ? faults.dripMs : 0,
    pings: dice.strikes('pings') ? 100 : 0,
  }
}

function drawEnding(faults: FaultSettings, dice: Dice): Ending {
  const fault = dice.strikesOne(['noEnd', 'reset', 'stall'])
  const code = dice.pick(faults.noEndCodes)
  if (fault === 'noEnd') return { kind: 'close', code }
  return { kind: fault ?? 'end' }
}

function drawInstead(dice: Dice): Pick<Course, 'instead'> {
  const [empty, error] = [dice.strikes('empty'), dice.strikes('errorFrame')]
  return { instead: empty ? 'nothing' : error ? 'error' : undefined }
}

function drawShare(dice: Dice): number {
  const share = dice.below(1000) / 1000
  return dice.strikes('short') ? share : 1
}

function drawPruning(dice: Dice): number {
  const after = dice.below(100)
  return dice.strikes('prune') ? after : Number.POSITIVE_INFINITY
}
