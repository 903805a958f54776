/** How the entries of a range compare: those that the gateway has, and those that the database holds. */
interface Tallies {
  equal: number
  /** The gateway has it, the database does not. */
  missing: number
  /** Both have it, with different values. */
  different: number
  /** The database has it, the gateway does not: pruned there since, or written by something else. */
  extra: number
  /** The gateway has it, and it cannot be written: a dead letter, no difference. */
  unwritable: number
  /** Of the equal: the database holds the nearest number that it can, and the gateway another one. */
  rounded: number
  /** Windows, not entries: those that the gateway did not give. */
  unread: number
}

export function emptyTallies(): Tallies {
  return { equal: 0, missing: 0, different: 0, extra: 0, unwritable: 0, rounded: 0, unread: 0 }
}

const keys = Object.keys(emptyTallies()) as (keyof Tallies)[]

export function addTallies(sum: Tallies, more: Readonly<Tallies>): void {
  for (const key of keys) sum[key] += more[key]
}

const mostExamples = 5

/** One of the differences. */
interface Example {
  readonly of: 'missing' | 'different' | 'extra' | 'rounded' | 'unread'
  readonly text: string
}

export interface Compared extends Tallies {
  /** The first few. */
  readonly examples: Example[]
}

export function emptyCompared(): Compared {
  return { ...emptyTallies(), examples: [] }
}

export function addExample({ examples }: Compared, example: Example): void {
  if (examples.length < mostExamples) examples.push(example)
}

export function addCompared(sum: Compared, more: Compared): void {
  addTallies(sum, more)
  for (const example of more.examples) addExample(sum, example)
}
