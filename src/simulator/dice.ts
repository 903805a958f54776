import type { FaultName, FaultSettings } from './faults.ts'

export interface Dice {
  /** Whether the fault strikes now; if so it is counted. Always one draw, also for a probability of 0. */
  strikes(fault: FaultName): boolean
  /** Which of several faults that exclude each other strikes; their probabilities add up. One draw. */
  strikesOne<T extends FaultName>(faults: readonly T[]): T | undefined
  /** An integer from 0 to below `limit`. */
  below(limit: number): number
  pick<T>(choices: readonly T[]): T
}

/** Dice of one kind of event: `random` is its own sequence, so that one kind does not disturb another. `struck` is called at every hit. */
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
