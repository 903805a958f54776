import type { Coverage } from '../domain/coverage.ts'
import { type Selector, selectorKey } from '../domain/datapoint.ts'
import type { FormedRule } from '../domain/rule-form.ts'
import { type RuleChange, rulesToRecord } from './rule-changes.ts'

/**
 * What a person may choose where a rule has changed. `remap`: the past is fetched again by the rule of today. `from-now`: the past
 * stays as it is, and the rule of today is for what comes. `same`: both are taken for the same.
 */
export type RuleChoice = 'remap' | 'from-now' | 'same'

/** What becomes of one selector. */
export interface Renewed {
  readonly selector: Selector
  /** Undefined: it is not configured any more, and nothing takes its place. */
  readonly rules: readonly FormedRule[] | undefined
  /** Nothing before this is fetched by the rule of today, ms UTC; undefined: no such moment. */
  readonly since: number | undefined
}

export interface ChoiceParts {
  readonly choice: Exclude<RuleChoice, 'same'>
  readonly rules: readonly FormedRule[]
  readonly coverageOf: (selector: Selector) => Coverage
  /** The gateway has nothing older of these, ms UTC; undefined: not known. */
  readonly reachOf: (selector: Selector) => number | undefined
  /** False: a value that is written again may not replace the first one. */
  readonly overwrites: boolean
}

/** What a choice means for each selector that is recorded, or that would bring points by the rule of today. */
export function renewalsOf(changes: readonly RuleChange[], parts: ChoiceParts): Renewed[] {
  const { choice, rules } = parts
  const configured = new Set(rules.map(({ selector }) => selectorKey(selector)))
  const renewed = new Map<string, Renewed>()
  const renew = (selector: Selector, since: number | undefined) => {
    const key = selectorKey(selector)
    const earlier = renewed.get(key)?.since
    const latest = earlier === undefined || since === undefined ? (since ?? earlier) : Math.max(since, earlier)
    const isConfigured = configured.has(key)
    const its = isConfigured ? rulesToRecord({ selector, rules: undefined }, rules) : undefined
    renewed.set(key, { selector, rules: its, since: latest })
  }
  for (const { recorded, selectors } of changes) {
    const since = sinceOf(recorded, parts)
    renew(recorded, since)
    // the time before is not to be fetched by another name either
    if (choice === 'from-now' || since !== undefined) for (const selector of selectors) renew(selector, since)
  }
  return [...renewed.values()]
}

function sinceOf(selector: Selector, { choice, coverageOf, reachOf, overwrites }: ChoiceParts): number | undefined {
  const { final, provisional } = coverageOf(selector)
  const covered = final.add(provisional)
  const [first, last] = [covered.ranges[0], covered.ranges.at(-1)]
  if (first === undefined || last === undefined) return undefined
  if (choice === 'remap') {
    const reach = reachOf(selector)
    return reach !== undefined && first.after < reach ? reach : undefined
  }
  // what is provisional is fetched once more in any case, and then by the rule of today
  const tail = provisional.ranges.at(-1)
  return overwrites && tail?.until === last.until ? tail.after : last.until
}
