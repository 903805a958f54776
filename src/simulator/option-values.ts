import { z } from 'zod'
import { createZone } from './timestamps.ts'

// Each kind of option takes its default and its meaning. The message of a kind completes "<option> must be …".

/** Longest time that a timer of Node can wait, ms. */
export const longestMs = 2 ** 31 - 1

const most = Number.MAX_SAFE_INTEGER

export function number(usual: number, meaning: string, least = 0, greatest = most) {
  const expected = `a number between ${least} and ${greatest}`
  return z.number(expected).min(least, expected).max(greatest, expected).default(usual).describe(meaning)
}

export function integer(usual: number, meaning: string, least = 0, greatest = most) {
  return wholeNumber(least, greatest).default(usual).describe(meaning)
}

export function wholeNumber(least = 0, greatest = most) {
  const expected = `an integer between ${least} and ${greatest}`
  return z.int(expected).min(least, expected).max(greatest, expected)
}

/** A probability or a share, 0 unless it is set. */
export const chance = (meaning: string) => number(0, meaning, 0, 1)

export const flag = (meaning: string) => z.boolean('true or false').default(false).describe(meaning)

export const text = (usual: string, meaning: string) =>
  z.string('a text').min(1, 'a text').default(usual).describe(meaning)

/** One of several words. YAML reads 4.10 as the number 4.1, so a number is answered with the advice to quote it. */
export function word<const Word extends string>(words: readonly Word[], usual: NoInfer<Word>, meaning: string) {
  const expected = `one of ${words.join(', ')}`
  const error = ({ input }: { input?: unknown }) => (typeof input === 'number' ? `in quotes, ${expected}` : expected)
  return z.enum(words, { error }).default(usual).describe(meaning)
}

/** A list of numbers, each one of several. */
export function numbers(choices: readonly number[], usual: readonly number[], meaning: string) {
  const item = z.literal(choices, `one of ${choices.join(', ')}`)
  const expected = `a list of ${choices.join(', ')}`
  return z.array(item, expected).nonempty(expected).readonly().default(usual).describe(meaning)
}

/** One of several numbers. */
export function oneNumber<const Choice extends number>(
  choices: readonly Choice[],
  usual: NoInfer<Choice>,
  meaning: string,
) {
  return z
    .literal(choices, `one of ${choices.join(', ')}`)
    .default(usual as Choice)
    .describe(meaning)
}

/** Values by a name that the site chooses. */
export const byName = <Value extends z.ZodType>(value: Value, meaning: string) =>
  z.record(z.string(), value, 'a mapping').default({}).describe(meaning)

export const zoneName = (usual: string, meaning: string) =>
  z
    .string('an IANA time zone, as America/Los_Angeles')
    .refine(isZone, 'an IANA time zone, as America/Los_Angeles')
    .default(usual)
    .describe(meaning)

function isZone(name: string): boolean {
  try {
    createZone(name)
    return true
  } catch {
    return false
  }
}
